# SPDX-License-Identifier: GPL-2.0-only
#
# What holds whenever the machine is at rest, whatever was done to the module:
# its counts balance, and agree with the kernel's own.
#
#   awk -f invariants.awk -v VARIABLE=... sockstat netstat stats
#
# Variables: base_NAME, the kernel's counter NAME when the module was loaded;
# at_expiry=1 if the kernel counts a wait when its timer ends it (5.10) and not
# when it begins; kernel=0 if what the kernel counted since is not ours to count
# (probes were stopped, or there was traffic while loading). Prints what does not
# hold; then the exit status is 1.
#
# A value "-" in stats is lost for want of a hook, and cannot be compared.

$1 == "TCP:" { for (i = 2; i < NF; i++) if ($i == "tw") tw = $(i + 1); next }
$1 == "TcpExt:" && !head { head = split($0, names); next }
$1 == "TcpExt:" { for (i = 2; i <= NF; i++) mib[names[i]] = $i; next }
NF == 2 { stat[$1] = $2 }

function equal(what, is, other, should) {
	if (is == "-" || should == "-" || is + 0 == should + 0)
		return
	print what " is " is ", but " other " is " should
	failed = 1
}

# The stats between prefix and "_total", added up; "-" if one of them is lost.
function sum(prefix, name, n) {
	n = 0
	for (name in stat)
		if (name ~ "^" prefix "_[a-z0-9_]+_total$") {
			if (stat[name] == "-")
				return "-"
			n += stat[name]
		}
	return n
}

END {
	if (!("waiting" in stat) || tw == "" || !("TWRecycled" in mib)) {
		print "stats, sockstat or netstat could not be read"
		exit 1
	}
	equal("entered + adopted - ended", stat["entered_total"] + \
		stat["adopted_total"] - stat["ended_total"], "waiting", stat["waiting"])
	equal("waiting", stat["waiting"], "tw in sockstat", tw)
	equal("the sum of ways", sum("entered"), "entered_total", stat["entered_total"])
	equal("the sum of fates", sum("ended"), "ended_total", stat["ended_total"])
	if (stat["waiting_fin_wait2"] != "-" && stat["waiting_time_wait"] != "-")
		equal("the sum of substates", stat["waiting_fin_wait2"] + \
			stat["waiting_time_wait"], "waiting", stat["waiting"])
	# A wait that was reused before it was adopted had no beginning, nor an end.
	if (kernel) {
		equal("ended_connect_total", stat["ended_connect_total"],
			"reuse_connect_allowed_total",
			stat["reuse_connect_allowed_total"])
		equal("ended_syn_total", stat["ended_syn_total"],
			"reuse_syn_allowed_total", stat["reuse_syn_allowed_total"])
	}
	equal("segments of all kinds", sum("segments"), "answers of all kinds",
		sum("answers"))
	equal("reuse_unexplained_total", stat["reuse_unexplained_total"],
		"what it must be", 0)
	equal("SYNs taken by a listener, or by none",
		stat["reuse_syn_allowed_total"] == "-" ? "-" : \
		stat["reuse_syn_allowed_total"] + \
		stat["reuse_syn_refused_no_listener_total"],
		"answers_listen_total", stat["answers_listen_total"])
	if (stat["waiting_peak"] < stat["waiting"])
		equal("waiting_peak", stat["waiting_peak"], "waiting, which is more,",
			stat["waiting"])
	if (kernel && stat["resynced_total"] == 0) {
		equal("reuse_connect_allowed_total", stat["reuse_connect_allowed_total"],
			"the growth of TWRecycled", mib["TWRecycled"] - base_TWRecycled)
		equal("avoided_overflow_total", stat["avoided_overflow_total"],
			"the growth of TCPTimeWaitOverflow",
			mib["TCPTimeWaitOverflow"] - base_TCPTimeWaitOverflow)
		counted = at_expiry ? "ended_expired_total" : "entered_total"
		equal(counted, stat[counted], "the growth of TW + TWKilled",
			mib["TW"] + mib["TWKilled"] - base_TW - base_TWKilled)
	}
	exit failed
}
