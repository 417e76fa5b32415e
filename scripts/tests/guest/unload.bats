# SPDX-License-Identifier: GPL-2.0-only
# Loading and unloading, at any moment.

load ../lib.bash

@test "wrong parameters: the load fails, and says which and what is right" {
	for value in 0 1023 16777217; do
		run insmod "$TIMEWAIT_KO" max_records=$value
		[ "$status" != 0 ]
		[[ $output = *"Invalid"* ]]
		dmesg | grep -F "timewait: max_records=$value is out of range: give 1024 to 16777216"
		[ ! -e "$twait" ]
	done
	run insmod "$TIMEWAIT_KO" max_records=many
	[ "$status" != 0 ]
	[ ! -e "$twait" ]
}

@test "loading twice: the kernel's own message, and the first goes on" {
	load_timewait
	"$traffic" active 1
	run insmod "$TIMEWAIT_KO"
	[ "$status" != 0 ]
	[[ $output = *"File exists"* ]]
	expect waiting 1
}

@test "unloading leaves nothing behind" {
	load_timewait
	"$traffic" mix 50
	rmmod timewait
	[ ! -e "$twait" ]
	[ -z "$(cat /sys/kernel/debug/kprobes/list)" ]
	[ ! -e /sys/kernel/tracing/events/timewait ]
	[ ! -e /sys/module/timewait ]
	"$traffic" -p 7001 mix 50
}

@test "a reader blocked in events gets end of file" {
	load_timewait
	cat "$twait/events" >"$BATS_TEST_TMPDIR/out" &
	reader=$!
	eventually 5 test -s "$BATS_TEST_TMPDIR/out"
	rmmod timewait
	wait "$reader"
	[ "$(cat "$BATS_TEST_TMPDIR/out")" = "# timewait events 1" ]
}

@test "twstat events ends with a word of its own" {
	load_timewait
	twstat events >"$BATS_TEST_TMPDIR/out" 2>&1 &
	reader=$!
	eventually 20 one_more_is_read
	rmmod timewait
	wait "$reader"
	grep unloaded "$BATS_TEST_TMPDIR/out"
	run twstat
	[ "$status" = 3 ]
}

# The reader may not have opened the file yet.
one_more_is_read() {
	"$traffic" active 1 >/dev/null && [ -s "$BATS_TEST_TMPDIR/out" ]
}

@test "poll and epoll on events do not hold the module, nor outlive it" {
	load_timewait
	$python - <<-END
	import os, select, subprocess, threading
	fd = os.open("$twait/events", os.O_RDONLY)
	os.read(fd, 8192)
	e = select.epoll()
	e.register(fd, select.EPOLLIN)
	p = select.poll()
	p.register(fd, select.POLLIN)
	woken = []
	t = threading.Thread(target=lambda: woken.append(p.poll(20000)))
	t.start()
	import time
	time.sleep(0.5)
	subprocess.run(["rmmod", "timewait"], check=True)
	t.join(10)
	assert woken, "poll is still asleep"
	e.unregister(fd)
	e.close()
	os.close(fd)
	END
}

@test "a select() that no word can wake does not hold the module either" {
	load_timewait
	$python - <<-END &
	import os, select
	fd = os.open("$twait/events", os.O_RDONLY)
	os.read(fd, 8192)
	open("$BATS_TEST_TMPDIR/ready", "w").close()
	select.select([], [], [fd], 30)
	END
	sleeper=$!
	eventually 120 test -e "$BATS_TEST_TMPDIR/ready"
	sleep 1
	timeout 20 rmmod timewait
	kill "$sleeper"
	run wait "$sleeper"
}

@test "reading all files while the module comes and goes" {
	(while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
		# Most of the time there is nothing to read: that is no failure.
		! cat "$twait"/hooks "$twait"/stats "$twait"/connections >/dev/null 2>&1 ||
			touch "$BATS_TEST_TMPDIR/read"
	done; exit 0) &
	reader=$!
	for i in $(seq 10); do
		load_timewait
		rmmod timewait
	done
	touch "$BATS_TEST_TMPDIR/stop"
	wait "$reader"
	# Some of it was read in whole, or nothing was tested.
	[ -e "$BATS_TEST_TMPDIR/read" ]
}

@test "connections half read, then unloaded" {
	load_timewait
	"$traffic" active 300
	exec 7<"$twait/connections"
	dd bs=1000 count=3 <&7 >/dev/null 2>&1
	rmmod timewait
	run dd bs=1000 count=1 <&7
	[ "$status" != 0 ]
	exec 7<&-
}

# In one look: between two some end.
as_many_records() {
	awk '$1 == "records" { records = $2 }
		$1 == "waiting" || $1 == "ghosts" { expected += $2 }
		END { exit records != expected }' "$twait/stats"
}

# loads_under_traffic COUNT
loads_under_traffic() {
	for i in 0 1; do
		[ $i = 0 ] && v6= || v6=-6
		# It takes what time there is, and all that of the other CPU.
		(while [ ! -e "$BATS_TEST_TMPDIR/stop" ]; do
			nice -n 19 "$traffic" $v6 -p $((7000 + i)) mix 200 >/dev/null || exit
		done) &
		pids[i]=$!
	done
	loaded_under_traffic=yes
	for i in $(seq "$1"); do
		load_timewait
		[ $((i % 5)) != 0 ] || timeout 5 cat "$twait/events" >/dev/null &
		# Not always at the same moment of its life.
		sleep 0.0$((i % 10))
		rmmod timewait
	done
	load_timewait
	touch "$BATS_TEST_TMPDIR/stop"
	wait "${pids[@]}"
	eventually 10 at_rest
	expect records_lost_total 0
	missed_at_most 0
	# The waits of half a minute are running out meanwhile.
	eventually 10 as_many_records
}

# bats test_tags=smoke,leaks
@test "loads and unloads under traffic, 10" {
	loads_under_traffic $((thin > 1 ? 4 : 10))
}

# bats test_tags=long
@test "loads and unloads under traffic, 40 more" {
	loads_under_traffic $((thin > 1 ? 10 : 40))
}
