#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2154
# twstat advise: what a shorter wait would have saved and missed.

load helper

# seen WAITS OBSERVED_MS MEAN_MS OLDEST_MS: what the module has seen
seen() {
	copy_host
	cat >"$DIR/stats" <<-END
	# timewait stats 1
	waiting 27900
	ended_total $1
	observed_ms $2
	length_ms_total $(($1 * $3))
	segment_age_max_ms $4
	END
	cat >"$DIR/histograms" <<-'END'
	# timewait histograms 1
	histogram=length from_ms=32768 below_ms=65536 count=9
	histogram=segment_age from_ms=0 below_ms=1 count=1000
	histogram=segment_age from_ms=1024 below_ms=2048 count=20
	histogram=segment_age from_ms=4096 below_ms=8192 count=3
	histogram=segment_age from_ms=4194304 below_ms=- count=0
	END
}

@test "how many fewer waits, and how many segments too late" {
	seen 1200000 93600000 60000 4500
	twstat advise
	[ "$status" -eq 0 ]
	has "seen: 1,200,000 waits in 26h00m, and" "1,023 segments that reached one, the latest 4.5s after"
	# A length in the middle of a bucket: all of that bucket may be later.
	has "1.0s would hold 465 instead of 27,900 waits; at most 23 segments came later"
	has "2.0s would hold 930 instead of 27,900 waits; at most 23 segments"
	has "5.0s would hold 2,325 instead of 27,900 waits; no segment came later"
	has "30.0s would hold 13,950 instead of 27,900"
	has "twstat try"
	twstat advise --length 4096
	has "would hold 1,904 instead of 27,900 waits; at most 3 segments"
	has_not "30.0s would"
}

@test "what came too late for a wait that is short already" {
	seen 1200000 93600000 1000 900
	echo 'late_age_max_ms 7000' >>"$DIR/stats"
	echo 'histogram=late_age from_ms=4096 below_ms=8192 count=40' >>"$DIR/histograms"
	twstat advise
	[ "$status" -eq 0 ]
	has "1,023 segments that reached one and 40 that came when it had ended, the latest 7.0s after"
	has "5.0s would hold no fewer than the 27,900 waits of now; at most 43 segments came later"
	has "10.0s would hold no fewer than the 27,900 waits of now; no segment came later"
}

@test "waits that mostly ended early are not fewer with a length beyond that" {
	seen 5000 700000 3000 10
	twstat advise
	has "5.0s would hold no fewer than the 27,900 waits" "1.0s would hold 9,300"
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
