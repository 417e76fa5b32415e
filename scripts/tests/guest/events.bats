# SPDX-License-Identifier: GPL-2.0-only
# The file events keeps the rules of /dev/kmsg.

load ../lib.bash

# python TEXT: with the helpers below.
python() {
	PYTHONPATH=$BATS_TEST_DIRNAME/.. python3 -c "
import errno, os, select, subprocess, sys
EVENTS = '$twait/events'
def traffic(*args):
    subprocess.run(['$traffic', *args], check=True, stdout=subprocess.DEVNULL)
def stat(name):
    return next(int(l.split()[1]) for l in open('$twait/stats') if l.split()[0] == name)
def keys(line):
    return dict(w.split('=', 1) for w in line.split())
def drain(fd):
    records = []
    while True:
        try:
            record = os.read(fd, 8192).decode()
        except BlockingIOError:
            return records
        assert record.endswith('\n') and record.count('\n') == 1, record
        records.append(record)
$1"
}

@test "one record a read, numbered without a hole, from the open on" {
	load_timewait
	"$traffic" active 5
	python "
fd = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
assert os.read(fd, 8192) == b'# timewait events 1\n'
assert drain(fd) == []
traffic('-p', '7001', 'orphan', '3')
records = [keys(r) for r in drain(fd)]
first = int(records[0]['seq'])
assert [int(r['seq']) for r in records] == list(range(first, first + 9)), records
assert sorted(r['event'] for r in records) == ['advance'] * 3 + ['enter'] * 3 + ['segment'] * 3
assert all(r['dport'] == '7001' and r['comm'] == 'traffic' for r in records)
times = [int(r['time_ns']) for r in records]
assert times == sorted(times)
assert stat('events_total') == 9
"
}

@test "EAGAIN when empty, EINVAL for a buffer that is too small, nothing is lost by it" {
	load_timewait
	python "
fd = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
os.read(fd, 8192)
try:
    os.read(fd, 8192)
    sys.exit('read something')
except BlockingIOError:
    pass
traffic('active', '1')
try:
    os.read(fd, 100)
    sys.exit('a record cut short')
except OSError as e:
    assert e.errno == errno.EINVAL
assert len(drain(fd)) == 1
"
}

@test "poll tells when there is something to read" {
	load_timewait
	python "
fd = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
os.read(fd, 8192)
p = select.poll()
p.register(fd, select.POLLIN)
assert p.poll(300) == []
t = subprocess.Popen(['sh', '-c', 'sleep 1; $traffic active 1'], stdout=subprocess.DEVNULL)
assert p.poll(10000) == [(fd, select.POLLIN)]
assert len(drain(fd)) == 1
assert p.poll(300) == []
t.wait()
"
}

@test "epoll is woken, also if it was told of the file before the first read" {
	load_timewait
	python "
fd = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
e = select.epoll()
e.register(fd, select.EPOLLIN)
assert e.poll(10) == [(fd, select.EPOLLIN)]
os.read(fd, 8192)
assert e.poll(0.3) == []
t = subprocess.Popen(['sh', '-c', 'sleep 1; $traffic active 1'], stdout=subprocess.DEVNULL)
assert e.poll(10) == [(fd, select.EPOLLIN)]
assert len(drain(fd)) == 1
assert e.poll(0.3) == []
t.wait()
"
}

@test "each open file has a cursor of its own" {
	load_timewait
	python "
one = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
os.read(one, 8192)
traffic('active', '2')
two = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
os.read(two, 8192)
traffic('active', '3')
assert len(drain(one)) == 5
assert len(drain(two)) == 3
"
}

# few_ports: 100 waits on 100 ports: each connect() towards them emits 100 events.
few_ports() {
	sysctl -qw net.ipv4.tcp_tw_reuse=0 net.ipv4.ip_local_port_range='20000 20099'
	"$traffic" active 100
}

@test "EPIPE once after an overrun, then on; the lost ones are counted" {
	load_timewait
	few_ports
	python "
fd = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
os.read(fd, 8192)
traffic('refused', '90')
emitted = stat('events_total')
# Each of the 90 is refused by 100 waits, and then altogether.
assert emitted == 90 * 101, emitted
try:
    os.read(fd, 8192)
    sys.exit('no EPIPE')
except BrokenPipeError:
    pass
records = [keys(r) for r in drain(fd)]
seqs = [int(r['seq']) for r in records]
assert seqs == list(range(seqs[0], emitted)), (seqs[0], seqs[-1], emitted)
lost = stat('events_lost_total')
assert lost == seqs[0] and lost + len(records) == emitted, (lost, len(records), emitted)
"
}

@test "the rare kinds, when they are frequent: 512 a second and CPU are kept" {
	load_timewait
	said=$(taskset -c 0 "$traffic" linger 3000)
	last=$(rows assassinations | tail -n 1)
	kept=$(($(key seq "$last") + 1))
	echo "$kept kept: $said" >&2
	# A second begins with the first that comes, or with the tick before it.
	[ "$kept" -ge 512 ]
	[ "$kept" -le $((512 * (($(key elapsed_ns "$said") + 10000000) / 1000000000 + 1))) ]
	expect avoided_linger_total 3000
	# Who reads gets them all.
	follow_events "$BATS_TEST_TMPDIR/events"
	"$traffic" linger 1000
	eventually 20 all_read 1000
}

# all_read COUNT: of closes with SO_LINGER 0, in what follow_events writes
all_read() {
	[ "$(grep -c avoid=linger "$BATS_TEST_TMPDIR/events")" = "$1" ]
}

@test "nobody reads: nothing of the frequent kinds is emitted" {
	load_timewait
	"$traffic" active 20
	expect events_total 0
	# The rare kinds are kept for who comes later.
	"$traffic" -p 7001 connect 3
	"$traffic" -p 7002 rst 3
	expect events_total 0
	[ "$(count_rows reuse verdict=allowed)" = 3 ]
	[ "$(count_rows assassinations fate=rst)" = 3 ]
	[ "$(count_rows assassinations avoid=linger)" = 3 ]
}

@test "the rings of the rare kinds keep the last ones, and reading them ends" {
	load_timewait
	# Of each second no more than 512.
	for _ in 1 2 3; do
		"$traffic" linger 500
		sleep 1.1
	done
	[ "$(count_rows assassinations)" = 1024 ]
	first=$(rows assassinations | head -n 1)
	[ "$(key seq "$first")" = 476 ]
	expect avoided_linger_total 1500
}

@test "what ends is read as any text, with a buffer of any size" {
	load_timewait
	"$traffic" linger 5
	"$traffic" -p 7001 connect 3
	for file in assassinations reuse; do
		cat "$twait/$file" >"$BATS_TEST_TMPDIR/whole"
		for bytes in 1 100 4096; do
			dd if="$twait/$file" bs=$bytes 2>/dev/null |
				cmp - "$BATS_TEST_TMPDIR/whole"
		done
	done
}

@test "a flood of another namespace costs this one's reader nothing it is not told of" {
	load_timewait
	ip netns add flood
	ip -n flood link set lo up
	ip netns exec flood bash -c "$(declare -f few_ports); traffic=$traffic; few_ports"
	python "
fd = os.open(EVENTS, os.O_RDONLY | os.O_NONBLOCK)
os.read(fd, 8192)
other = subprocess.Popen(['ip', 'netns', 'exec', 'flood', 'cat', EVENTS], stdout=subprocess.DEVNULL)
traffic('active', '2')
subprocess.run(['ip', 'netns', 'exec', 'flood', '$traffic', 'refused', '90'], check=True, stdout=subprocess.DEVNULL)
traffic('active', '3')
other.kill()
other.wait()
try:
    got = drain(fd)
    assert len(got) == 5, got
except BrokenPipeError:
    got = drain(fd)
    assert len(got) == 3, got
    assert stat('events_lost_total') == 2
assert all(keys(r)['src'] == '127.0.0.1' for r in got)
assert stat('events_total') == 5
"
	ip netns del flood
}
