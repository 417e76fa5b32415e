#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
# twstat advise: what a shorter wait would have saved and missed.

load helper

# seen WAITS OBSERVED_MS MS OLDEST_MS: what the module has seen; each lasted MS
seen() {
	copy_host
	tuned 60000
	cat >"$DIR/stats" <<-END
	# timewait stats 1
	waiting 27900
	waiting_fin_wait2 0
	rearmed_total 0
	ended_total $1
	segments_data_total 3
	late_total 0
	observed_ms $2
	segment_age_max_ms $4
	late_age_max_ms 0
	records_lost_total 0
	ghosts_lost_total 0
	END
	cat >"$DIR/histograms" <<-'END'
	# timewait histograms 1
	histogram=segment_age from_ms=0 below_ms=1 count=1000
	histogram=segment_age from_ms=1024 below_ms=2048 count=20
	histogram=segment_age from_ms=4096 below_ms=8192 count=3
	histogram=segment_age from_ms=4194304 below_ms=- count=0
	END
	echo '# timewait rules 1' >"$DIR/rules"
	lasted "$1" "$3"
}

# rule WORDS: there is this one too
rule() {
	echo "rule=$RANDOM $1 hits=100 waiting=0 ended_expired=100" >>"$DIR/rules"
}

# tuned MS [QUIET_MS]: the length in force, and for how long ghosts are kept
tuned() {
	mkdir -p "$ROOT/sys/net/timewait"
	echo "$1" >"$ROOT/sys/net/timewait/length_ms"
	echo "${2-60000}" >"$ROOT/sys/net/timewait/quiet_ms"
}

# lasted [WAITS MS]...: how many lasted how long, in place of what it was
lasted() {
	local total=0 below

	sed -i /length_ms_total/d "$DIR/stats"
	sed -i /histogram=length/d "$DIR/histograms"
	while [ $# -gt 0 ]; do
		for ((below = 1; below <= $2; below *= 2)); do :; done
		echo "histogram=length from_ms=$((below / 2)) below_ms=$below count=$1" >>"$DIR/histograms"
		total=$((total + $1 * $2))
		shift 2
	done
	echo "length_ms_total $total" >>"$DIR/stats"
}

# says NAME NUMBER: stats does, in place of what it said
says() {
	sed -i "/^$1 /d" "$DIR/stats"
	echo "$1 $2" >>"$DIR/stats"
}

@test "how many fewer waits, and how many segments too late" {
	seen 1200000 93600000 60000 4500
	twstat advise
	[ "$status" -eq 0 ]
	has "seen: 1,200,000 waits in 26h00m, and" "1,023 segments that reached one, the latest 4.5s after"
	# A length in the middle of a bucket: all of that bucket may be later.
	has "1.0s would hold at most 465 instead of 27,900 waits; at most 23 segments came later"
	has "2.0s would hold at most 930 instead of 27,900 waits; at most 23 segments"
	has "5.0s would hold at most 2,325 instead of 27,900 waits; no segment came later"
	has "30.0s would hold at most 13,950 instead of 27,900"
	has "twstat try"
	twstat advise --length 4096
	has "would hold at most 1,905 instead of 27,900 waits; at most 3 segments"
	has_not "30.0s would"
}

@test "what came too late for a wait that is short already" {
	seen 1200000 93600000 1000 900
	tuned 1000
	says late_age_max_ms 7000
	echo 'histogram=late_age from_ms=4096 below_ms=8192 count=40' >>"$DIR/histograms"
	twstat advise
	[ "$status" -eq 0 ]
	has "1,023 segments that reached one and 40 that came when it had ended, the latest 7.0s after"
	has "5.0s would hold no fewer than the 27,900 waits of now; at most 43 segments came later"
	has "10.0s would hold no fewer than the 27,900 waits of now; no segment came later"
}

@test "few that last long are most of those that wait" {
	# 5 s: (95 x 1 s + 5 x 5 s) of (95 x 1 s + 5 x 60 s) is 30.4 %; 1 s is up to 1.024.
	seen 100000 700000 60000 10
	lasted 95000 1000 5000 60000
	twstat advise
	has "5.0s would hold at most 8,637 instead of 27,900 waits"
	has_not "no fewer"
	# Most ended early, by themselves: they would again.
	lasted 99000 500 1000 60000
	twstat advise --length 30000
	has "30.0s would hold at most 20,559 instead of 27,900"
}

@test "waits whose length nobody knows do not count" {
	# Half of those that ended were there before the module, or had no record.
	seen 2000000 93600000 60000 10
	lasted 1000000 60000
	twstat advise --length 30000
	has "30.0s would hold at most 13,950 instead of 27,900 waits"
	lasted 500 60000
	twstat advise
	has "too little to advise on"
}

@test "a FIN_WAIT2 keeps its time, and a wait that is set back gets it anew" {
	seen 100000 700000 60000 10
	says waiting_fin_wait2 900
	twstat advise --length 30000
	has "at most 14,850 instead of 27,900"
	says rearmed_total 50000
	twstat advise --length 30000
	has "at most 21,825 instead of 27,900"
	says rearmed_total 200000
	twstat advise --length 30000
	has "30.0s would hold up to the 27,900 waits of now"
	says rearmed_total -
	twstat advise --length 30000
	has "30.0s would hold a number of waits that is not known here"
}

@test "a length that is in force is none that was before" {
	seen 100000 700000 60000 10
	tuned 5000
	twstat advise
	has "2.0s would hold at most 11,160 instead" "5.0s would hold no fewer than the 27,900 waits"
	rm "$ROOT/sys/net/timewait/length_ms"
	twstat advise
	has "2.0s would hold at most 930 instead" "net.timewait cannot be read here: taken is that nothing is tuned"
}

@test "no number of segments where their ages are not known" {
	for name in segment_age_max_ms late_age_max_ms segments_data_total late_total; do
		seen 1200000 93600000 60000 4500
		says $name -
		sed -i '/=segment_age/s/count=.*/count=-/' "$DIR/histograms"
		twstat advise
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		has "numbers of segments are not known here, look at /proc/net/timewait/hooks" \
			"5.0s would hold at most 2,325 instead of 27,900 waits"
		has_not "no segment" "at most 23 segments" "segments that reached one"
	done
}

@test "what was not watched is said" {
	seen 1200000 93600000 60000 4500
	twstat advise
	has_not "not watched"
	says records_lost_total 1000
	says ghosts_lost_total 234
	twstat advise
	has "not watched to their end, for want of room (max_records): 1,234 waits;" \
		"numbers of segments may be too low by what came for those"
}

@test "nothing is said of what comes later than anybody watched" {
	# Half of them were over after a second, and no ghosts are kept.
	seen 10000 700000 1000 900
	tuned 1000 0
	lasted 5000 1000 5000 60000
	twstat advise --length 5000
	has "no segment came later than that, for the 5,000 waits watched so long"
	lasted 9100 1000 900 60000
	twstat advise --length 5000
	has "only 900 waits were watched for longer: too few to tell what comes later"
	has_not "no segment"
	says segment_age_max_ms 7000
	twstat advise --length 5000
	has "at most 3 segments came later than that, for the 900 waits watched so long"
	tuned 1000 60000
	says segment_age_max_ms 900
	twstat advise --length 5000
	has "no segment came later than that"
	has_not "watched so long"
	# As long as any is watched, and longer.
	twstat advise --length 60000
	has "only 0 waits were watched for longer"
}

@test "a rule may be that of each wait" {
	# Over after a second or two, and with this rule no ghosts are kept.
	seen 100000 700000 1500 900
	twstat advise --length 5000
	has "no segment came later than that"
	rule "share=50% length_ms=2000"
	twstat advise --length 5000
	has "no segment came later than that"
	rule "share=100% length_ms=1000 quiet_ms=0"
	twstat advise --length 5000
	has "only 0 waits were watched for longer: too few to tell what comes later"
	has_not "no segment"
	# Here one gives most of them their length back.
	seen 100000 700000 60000 900
	tuned 1000
	twstat advise --length 5000
	has "5.0s would hold no fewer than the 27,900 waits"
	rule "lport=80 length_ms=60000 rst=ignore"
	twstat advise --length 5000
	has "5.0s would hold at most 2,325 instead of 27,900 waits"
	twstat advise --length 60000
	has "60.0s would hold no fewer than the 27,900 waits"
}

@test "rules that cannot be read are said" {
	seen 100000 700000 60000 900
	twstat advise
	has_not "rules"
	rm "$DIR/rules"
	twstat advise
	[ "$status" -eq 0 ]
	has "the rules cannot be read, they are for root: taken is that none gives a length_ms"
	has "5.0s would hold at most 2,325 instead of 27,900 waits"
}

@test "a histogram of tomorrow is none of ours" {
	seen 1200000 93600000 60000 4500
	echo 'histogram=length_fin_wait2 below_ms=1 what=ever' >>"$DIR/histograms"
	twstat advise
	[ -z "$stderr" ]
	has "seen: 1,200,000 waits"
}

@test "of too little nothing is said" {
	seen 999 93600000 60000 10
	twstat advise
	[ "$status" -eq 0 ]
	has "too little to advise on: at least 1,000 waits in 10m00s"
	has_not "would hold"
	seen 1000000 599999 60000 10
	twstat advise
	has "too little"
	seen 1000 600000 60000 10
	twstat advise
	has "would hold"
	has_not "too little"
}

@test "what is wrong with it is said" {
	copy_host
	twstat advise
	fails_with 1 "histograms"
	twstat advise --length 999
	fails_with 2 "from 1000 to 240000, not '999'"
	twstat advise 5000
	fails_with 2 "unexpected argument '5000'"
	seen 1200000 93600000 60000 4500
	echo 'histogram=segment_age from_ms=x' >>"$DIR/histograms"
	twstat advise
	[ "$status" -eq 0 ]
	[[ $stderr == *malformed* || $stderr == *line* ]]
	rm -r "$DIR"
	twstat advise
	fails_with 3 "not loaded"
}
