"""The agent end to end: the real program, its channel on pseudo-terminals, inner agents where a
case needs them, and a test double of the toolstack. Each case is a function; its text is its name.
"""
import base64
import json
import multiprocessing
import os
import random
import select
import signal
import socket
import sys
import time
import traceback

import server_cases  # noqa: F401: its cases join the list
from bench import (Bench, Echo, Failure, NONCE, OTHER_NONCE, Outer, PATIENCE, check, decoded, equal,
                   once_within, until)
from scenes import CASES, SANITIZED, case, host, hvm_host, played_guest, proven, pv_host
from toolstack_double import HvmGuest, PvGuest, raw_pty

# ---- the agent alone ----

@case
def ready_every_second_until_hello(bench):
    start = time.monotonic()
    layer, echo = bench.layer('a').start(), Echo()
    for i in range(3):
        equal(layer.outer.wait(t='ready').get('agent'), 1, 'version')
        check(time.monotonic() - start > i, i + 1, 'within', time.monotonic() - start)
    once_within(1.5, lambda: layer.outer.wait(t='ready'))
    layer.outer.hello('a', echo.address)
    layer.outer.wait(t='record')
    layer.outer.messages.clear()
    layer.outer.none(1.5, t='ready')


@case
def record_says_what_the_layer_is(bench):
    before = time.clock_gettime(time.CLOCK_BOOTTIME)
    layer, echo = bench.layer('a').start(), Echo()
    record = proven(layer, echo, 'x/y/a')
    after = time.clock_gettime(time.CLOCK_BOOTTIME)
    equal(echo.requests, ['nestctl-echo x/y/a %s\n' % NONCE], 'what was asked of the echo')
    equal(record['nonce'], NONCE, 'nonce')
    equal(record['depth'], 3, 'depth')
    equal(record['host_name'], socket.gethostname(), 'host_name')
    equal(record['kernel'], os.uname().release, 'kernel')
    equal(record['os'], 'Debian GNU/Linux 12 (bookworm)', 'os')
    equal(record['memory_kib'], 786432, 'memory_kib')
    equal(record['cpus'], os.cpu_count(), 'cpus')
    equal(record['xen'], {'type': 'xen', 'version': '4.17.7', 'role': 'dom0', 'guest_type': 'PV',
                          'capabilities': 'xen-3.0-x86_64 hvm-3.0-x86_64'}, 'xen')
    equal(record['network'], {'interface': 'lo', 'address': '127.0.0.1/8',
                              'mac': '00:00:00:00:00:00', 'driver': 'e1000', 'error': '',
                              'echo': echo.expected('x/y/a', NONCE)}, 'network')
    equal(record['guests'], [], 'guests')
    equal(record['agent'], 1, 'agent')
    times = [record['timings'][k] for k in ('agent', 'hello', 'network', 'record')]
    equal(times, sorted(times), 'timings in order')
    check(before - 0.01 < times[0] and times[3] < after + 0.01, 'timings', times, before, after)
    with open('/proc/cpuinfo') as f:
        virtual = ' hypervisor' in f.read()
    check(('hypervisor' in record) == virtual, 'hypervisor is there if the CPU shows one')
    network = layer.outer.wait(t='event', step='network')
    equal((network['path'], network['text']), ('x/y/a', '127.0.0.1/8'), 'network event')


@case
def record_without_xen(bench):
    layer, echo = bench.layer('a', xen=False).start(), Echo()
    check('xen' not in proven(layer, echo), 'xen is absent')


@case
def domu_is_no_dom0(bench):
    layer, echo = bench.layer('a'), Echo()
    os.unlink(layer.folder + '/proc/xen/capabilities')
    layer.write('sys/hypervisor/properties/features', '00000385\n')
    layer.start()
    equal(proven(layer, echo)['xen']['role'], 'domU', 'role')


@case
def record_again_until_ack(bench):
    layer, echo = bench.layer('a').start(), Echo()
    layer.outer.wait(t='ready')
    start = time.monotonic()
    layer.outer.hello('a', echo.address)
    layer.outer.wait(t='record')
    layer.outer.send(t='ack', path='a', nonce=OTHER_NONCE)
    layer.outer.wait(t='record')
    check(time.monotonic() - start > 5, 'again after', time.monotonic() - start)
    once_within(6.5, lambda: layer.outer.wait(t='record'))
    layer.outer.send(t='ack', path='a', nonce=NONCE)
    layer.outer.no_more(6, t='record')


@case
def another_nonce_starts_over(bench):
    layer, echo = bench.layer('a').start(), Echo()
    proven(layer, echo)
    layer.outer.hello('a', echo.address)
    layer.outer.messages.clear()
    layer.outer.none(1, t='record')
    layer.outer.hello('a', echo.address, OTHER_NONCE)
    record = layer.outer.wait(t='record')
    equal(record['nonce'], OTHER_NONCE, 'nonce')
    equal(record['network']['echo'], echo.expected('a', OTHER_NONCE), 'echo')
    layer.outer.wait(t='event', step='network')  # told to the new one as well


def bad_network(bench, conf, address, wanted, timeout=2):
    layer = bench.layer('a', conf, timeout=timeout).start()
    layer.outer.wait(t='ready')
    # On a busy machine the time may be up before the reason is known.
    for i in range(PATIENCE // timeout):
        start = time.monotonic()
        layer.outer.hello('a', address, '%032x' % i)
        network = layer.outer.wait(t='record', nonce='%032x' % i)['network']
        took = time.monotonic() - start
        check(took > timeout - 0.01, 'record after', took)
        check(network['echo'] == '' and ' within %d s: ' % timeout in network['error'], network)
        if wanted in network['error']:
            return
    check(False, 'error:', network)


@case
def no_echo_server(bench):
    spare = socket.socket()
    spare.bind(('127.0.0.1', 0))
    bad_network(bench, '', '127.0.0.1:%d' % spare.getsockname()[1], 'Connection refused')


@case
def silent_echo_server(bench):
    spare = socket.socket()
    spare.bind(('127.0.0.1', 0))
    spare.listen(1)
    bad_network(bench, '', '127.0.0.1:%d' % spare.getsockname()[1], 'no answer yet')


@case
def wrong_echo(bench):
    bad_network(bench, '', Echo('f' * 63 + 'x').address, '64 hex digits')


@case
def no_interface(bench):
    bad_network(bench, 'interface nosuchif0\n', '127.0.0.1:9', 'there is no interface nosuchif0')


@case
def survives_garbage(bench):
    layer, echo = bench.layer('a').start(), Echo()
    layer.outer.wait(t='ready')
    random.seed(1)
    layer.outer.raw(bytes(random.randrange(256) for _ in range(20000)))
    layer.outer.raw(b'\x1e' + b'{' * 40000 + b'\n\x1e' + b'[' * 30000 + b'\n\x1e\n\x1e\x1e{}\n')
    for text in ('{"t":"hello"}', '{"t":"hello","path":"a","nonce":"zz","echo":"1.2.3.4:5"}',
                 '{"t":"hello","path":"a b","nonce":"%s","echo":"1.2.3.4:5"}' % NONCE,
                 '{"t":"hello","path":"a","nonce":"%s","echo":"1.2.3.4"}' % NONCE,
                 '{"t":"hello","path":"a","nonce":"%s","echo":"h:5"}' % NONCE,
                 '{"t":"hello","path":"a","path":"b","nonce":"%s","echo":"1.2.3.4:5"}' % NONCE,
                 '{"t":5}', '{"t":"exec","path":"a","id":1,"argv":["true"]}',
                 '{"t":"down","path":"a","seconds":0}', '{"t":"down","path":"","seconds":0}'):
        layer.outer.raw(b'\x1e' + text.encode() + b'\n')
    layer.outer.messages.clear()
    layer.outer.wait(t='ready')  # no hello among all that
    proven(layer, echo)
    for text in ('{"t":"exec","path":"a"}', '{"t":"exec","path":"a","id":-1,"argv":["true"]}',
                 '{"t":"down","path":"a"}', '{"t":"down","path":"a","seconds":-1}',
                 '{"t":"input","path":"a/b","data":"AA=="}', '{"t":"none","path":"a"}',
                 '{"t":"down","path":"b","seconds":1}', '{"t":"ack","path":"a"}'):
        layer.outer.raw(b'\x1e' + text.encode() + b'\n')
    layer.outer.send(t='exec', path='a', id=2, argv=['true'])
    layer.outer.wait(t='exit', id=2)
    check(layer.process.poll() is None, 'it still runs')


@case
def exec_output_and_status(bench):
    layer, echo = bench.layer('a').start(), Echo()
    proven(layer, echo)
    layer.outer.send(t='exec', path='a', id=7,
                     argv=['sh', '-c', 'cat; printf "o\\377ut"; printf err >&2; exit 3'])
    equal(layer.outer.wait(t='exit', id=7, consume=False)['status'], 3, 'status')
    for fd, wanted in ((1, b'o\xffut'), (2, b'err')):
        equal(decoded([layer.outer.wait(t='out', id=7, fd=fd)]), wanted, 'fd %d' % fd)
    layer.outer.send(t='exec', path='a', id=8, argv=['sh', '-c', 'kill -9 $$'])
    equal(layer.outer.wait(t='exit', id=8)['status'], 137, 'status after a signal')
    layer.outer.send(t='exec', path='a', id=9, argv=['/no/such/program'])
    answer = layer.outer.wait(t='exit', id=9)
    equal((answer['status'], answer['text']), (127, 'No such file or directory'), 'missing')
    for argv in ([], [1], 'ls', None, ['x'] * 300):
        layer.outer.send(t='exec', path='a', id=10, argv=argv)
        check('argv' in layer.outer.wait(t='exit', id=10)['text'], 'argv', argv)
    layer.outer.send(t='exec', path='a', id=11, argv=['printf', '%s', 'a b', 'ü"\n'])
    layer.outer.wait(t='exit', id=11)
    equal(decoded([layer.outer.wait(t='out', id=11)]), 'a bü"\n'.encode(), 'arguments')


@case
def exec_leaves_daemons_alone(bench):
    layer, echo = bench.layer('a').start(), Echo()
    proven(layer, echo)
    layer.outer.send(t='exec', path='a', id=1, argv=['sh', '-c', 'sleep 300 & echo $!'])
    layer.outer.wait(t='exit', id=1)
    left = int(decoded([layer.outer.wait(t='out', id=1)]))
    os.kill(left, signal.SIGKILL)  # it runs, and the exit did not wait for it


@case
def exec_eight_at_once(bench):
    layer, echo = bench.layer('a').start(), Echo()
    proven(layer, echo)
    for i in range(9):
        layer.outer.send(t='exec', path='a', id=i, argv=[
            'sh', '-c', 'echo up; while [ -d $0 ] && ! [ -e $0/end ]; do sleep 0.1; done',
            layer.folder])
    check('8 commands' in layer.outer.wait(t='exit', id=8)['text'], 'the ninth')
    for i in range(8):
        layer.outer.wait(t='out', id=i)  # none ends before all have begun
    layer.write('end', '')
    for i in range(8):
        equal(layer.outer.wait(t='exit', id=i)['status'], 0, 'status')


@case
def slow_line_blocks_nothing(bench):
    layer, echo = bench.layer('a').start(), Echo()
    proven(layer, echo)
    size = 5 * 1024 * 1024
    layer.outer.send(t='exec', path='a', id=1, argv=['head', '-c', str(size), '/dev/zero'])
    time.sleep(2)  # nobody reads
    check(layer.cpu_seconds() < 0.5, 'it spins:', layer.cpu_seconds())
    layer.outer.send(t='exec', path='a', id=2, argv=['true'])
    layer.outer.wait(t='exit', id=2, seconds=5 * PATIENCE)
    layer.outer.wait(t='exit', id=1, seconds=5 * PATIENCE)
    equal(len(decoded([m for m in layer.outer.messages if m['t'] == 'out'])), size, 'bytes')
    peak = layer.status('VmHWM')
    check(SANITIZED or peak < 4 * 1024, 'peak KiB', peak)


@case
def idle_costs_nothing(bench):
    layer, echo = bench.layer('a').start(), Echo()
    proven(layer, echo)
    layer.settled()
    cpu, switches = layer.cpu_seconds(), layer.status('voluntary_ctxt_switches')
    time.sleep(5)
    equal(layer.cpu_seconds() - cpu, 0, 'CPU seconds in 5 s')
    check(layer.status('voluntary_ctxt_switches') - switches <= 3, 'it wakes up')


@case
def line_is_opened_again(bench):
    link = bench.folder + '/line'
    first, first_slave, path = raw_pty()
    os.symlink(path, link)
    layer, echo = bench.layer('a', channel=link), Echo()
    layer.outer = Outer(first)
    layer.start()
    proven(layer, echo)
    layer.outer.send(t='exec', path='a', id=1, argv=['head', '-c', '500000', '/dev/zero'])
    layer.outer.wait(t='out', id=1)
    layer.settled()  # the line is full, a message half sent
    second, second_slave, path = raw_pty()
    os.unlink(link)
    os.symlink(path, link)
    os.close(first_slave)
    os.close(first)
    layer.outer = Outer(second)
    layer.outer.wait(t='out', id=1)
    layer.outer.hello('a', echo.address, OTHER_NONCE)
    layer.outer.wait(t='exit', id=1)
    equal(layer.outer.text, b'', 'the second half of a message')
    equal(layer.outer.wait(t='record')['nonce'], OTHER_NONCE, 'nonce')


@case
def bad_settings_are_named(bench):
    layer = bench.layer('a', 'colour red\n').start()
    equal(layer.ended(), 1, 'status')
    layer.process.returncode = 0
    with open(layer.folder + '/stderr') as f:
        equal(f.read(), 'nestctl-agent: %s: line 5: colour is no setting\n' % layer.conf_path, 'text')


@case
def down_without_guests(bench):
    layer, echo = bench.layer('a').start(), Echo()
    proven(layer, echo)
    layer.outer.send(t='down', path='a', seconds=5)
    layer.outer.wait(t='event', step='down')
    equal(layer.ended(), 0, 'status')


# ---- hosts ----

@case
def guests_start_in_order_without_hello(bench):
    layer = host(bench, ['b config=@/b.cfg channel=console', 'c config=@/c.cfg channel=console'])
    tools, order = layer.toolstack, []
    for name in 'bc':
        guest = PvGuest(tools, name)

        def create(guest=guest, name=name):
            order.append('start ' + name)
            time.sleep(0.5)
            order.append('end ' + name)
            return guest.create()
        tools.on_create[layer.folder + '/%s.cfg' % name] = create
    layer.start()
    until(lambda: len(order) >= 4, 'the start of both guests')
    equal(order, ['start b', 'end b', 'start c', 'end c'], 'order')
    equal(tools.calls, [['create', layer.folder + '/b.cfg'], ['create', layer.folder + '/c.cfg']],
          'calls of xl')
    echo = Echo()
    equal(proven(layer, echo)['guests'], ['b', 'c'], 'guests')
    layer.outer.wait(t='event', step='guest-started', guest='a/c', consume=False)
    seen = [(m['step'], m['guest'], m['path']) for m in layer.outer.messages
            if m['t'] == 'event' and m['step'] != 'network']
    equal(seen, [('starting-guest', 'a/b', 'a'), ('guest-started', 'a/b', 'a'),
                 ('starting-guest', 'a/c', 'a'), ('guest-started', 'a/c', 'a')], 'events')


@case
def toolstack_is_waited_for(bench):
    layer, guest = pv_host(bench)
    del layer.toolstack.store['/local/domain/0/name']
    layer.start()
    layer.outer.wait(t='ready')
    time.sleep(1)
    equal(layer.toolstack.calls, [], 'xl before the toolstack is ready')
    layer.toolstack.store['/local/domain/0/name'] = 'Domain-0'
    until(lambda: layer.toolstack.calls, 'a call of xl')
    equal(layer.toolstack.calls, [['create', layer.folder + '/b.cfg']], 'calls of xl')


@case
def guest_that_fails(bench):
    layer = host(bench, ['b config=@/b.cfg channel=console', 'c config=@/c.cfg channel=console'])
    guest, echo = PvGuest(layer.toolstack, 'c'), Echo()
    tries = []

    def fail():
        tries.append(time.monotonic())
        return 1, 'Parsing config\n' + 'x' * 3000 + '\nxl: fatal: no memory\n'
    layer.toolstack.on_create[layer.folder + '/b.cfg'] = fail
    layer.toolstack.on_create[layer.folder + '/c.cfg'] = guest.create
    layer.start()
    proven(layer, echo)
    event = layer.outer.wait(t='event', step='guest-failed')
    equal(event['guest'], 'a/b', 'guest')
    check(event['text'].startswith('it exited with status 1: ') and
          event['text'].endswith('xxx\nxl: fatal: no memory'), event['text'][-80:])
    equal([c[1][-5:] for c in layer.toolstack.calls], ['b.cfg', 'c.cfg', 'b.cfg'], 'calls of xl')
    check(tries[1] - tries[0] > 2, 'tried again after', tries[1] - tries[0])
    layer.outer.wait(t='event', step='guest-started', guest='a/c')


@case
def guest_that_runs_already(bench):
    layer, guest = pv_host(bench)
    guest.create()
    layer.start()
    proven(layer, Echo())
    check('ran already' in layer.outer.wait(t='event', step='guest-started')['text'], 'text')
    equal(layer.toolstack.calls, [], 'calls of xl')
    guest.write(b'hello from before\n')
    equal(decoded([layer.outer.wait(t='console', path='a/b')]), b'hello from before\n', 'console')


@case
def guest_that_ends_and_comes_back(bench):
    layer, guest = pv_host(bench)
    layer.start()
    proven(layer, Echo())
    layer.outer.wait(t='event', step='guest-started')
    guest.end()
    event = layer.outer.wait(t='event', step='guest-ended')
    equal((event['guest'], event['text']), ('a/b', 'domain 1 is gone'), 'event')
    again = PvGuest(layer.toolstack, 'b')
    again.create()
    check('domain 2' in layer.outer.wait(t='event', step='guest-started')['text'], 'id')
    again.write(b'second life\n')
    layer.outer.wait(t='console', path='a/b')
    equal(len(layer.toolstack.calls), 1, 'calls of xl')


def console_log(layer):
    with open(layer.folder + '/var/log/nestctl/b.console', 'rb') as f:
        return f.read()


@case
def console_of_a_pv_guest(bench):
    layer, guest = pv_host(bench)
    layer.start()
    until(lambda: guest.outer_master, 'the guest')
    guest.write(b'Linux version 6.1\r\n\n\x1e{"t":"ready","agent":1,"layer":"b"}\nmore\n')
    until(lambda: b'more\n' in console_log(layer), 'its text in the log')  # nobody has said hello
    check(b'Linux version' in console_log(layer), 'the log')
    layer.outer.hello('a', Echo().address)
    equal(decoded([layer.outer.wait(t='console', path='a/b')]), b'Linux version 6.1\r\nmore\n',
          'early text, without the message')

    def later():
        guest.write(b'login: ')
        equal(decoded([layer.outer.wait(t='console', path='a/b')]), b'login: ', 'later text')
    once_within(0.5, later)


def console_text(layer):
    return decoded([m for m in layer.outer.messages if m['t'] == 'console'])


def until_console_ends(layer, text):
    limit = time.monotonic() + PATIENCE
    while not console_text(layer).endswith(text):
        check(time.monotonic() < limit, 'the console ends with', console_text(layer)[-80:])
        layer.outer.pump(1)


@case
def early_console_is_bounded(bench):
    layer, guest = pv_host(bench)
    layer.start()
    until(lambda: guest.outer_master, 'the guest')
    for i in range(300):
        guest.write(b'%05d' % i + b'x' * 1018 + b'\n')
    until(lambda: len(console_log(layer)) >= 300 * 1024, 'all text in the log')
    layer.outer.hello('a', Echo().address)
    layer.outer.wait(t='record')
    until_console_ends(layer, b'00299' + b'x' * 1018 + b'\n')  # the newest are kept
    layer.outer.pump(0.5)
    equal(len(console_text(layer)), 64 * 1024, 'bytes kept')
    check(max(len(m['data']) for m in layer.outer.messages if m['t'] == 'console') <= 5464,
          'pieces of at most 4 KiB')
    equal(len(console_log(layer)), 300 * 1024, 'bytes in the log')


@case
def console_log_is_bounded(bench):
    layer, guest = pv_host(bench)
    layer.write('var/log/nestctl/b.console', 'of the last start')
    layer.start()
    until(lambda: guest.outer_master, 'the guest')
    for _ in range(1100):
        guest.write(b'y' * 1024)
    guest.write(b'the end')
    layer.outer.hello('a', Echo().address)
    until_console_ends(layer, b'the end')
    equal(len(console_log(layer)), 1024 * 1024, 'size')
    with open(layer.folder + '/var/log/nestctl/b.console.old') as f:
        equal(f.read(), 'of the last start', 'the log before')


@case
def typing_at_a_console(bench):
    layer, guest = hvm_host(bench)
    layer.start()
    proven(layer, Echo())
    layer.outer.wait(t='event', step='guest-started')
    guest.console_write(b'login: ')
    layer.outer.wait(t='console', path='a/b')
    layer.outer.send(t='input', path='a/b', data=base64.b64encode(b'root\n').decode())
    check(select.select([guest.console_master], [], [], PATIENCE)[0], 'nothing arrived')
    equal(os.read(guest.console_master, 100), b'root\n', 'what arrived')
    guest.console_write(b'\x1e{"t":"event","path":"a/b","seconds":1,"step":"down","text":""}\n')
    layer.outer.wait(t='console', path='a/b')  # a serial console carries no messages
    layer.outer.none(0.1, t='event', path='a/b')


# ---- nests of real agents ----

def nest(bench, make):
    """A host and, in its guest, a second real agent. Both proven, the inner one through the
    outer one."""
    layer, guest = make(bench)
    inner = bench.layer('b', channel=guest.inner, xen=True)
    layer.start()
    inner.start()
    echo = Echo()
    proven(layer, echo)
    record = layer.outer.wait(t='record', path='a/b')
    equal((record['depth'], record['nonce']), (2, NONCE), 'inner record')
    equal(record['network']['echo'], echo.expected('a/b', NONCE), 'inner echo')
    return layer, guest, inner, echo


def nest_check(bench, make):
    layer, guest, inner, echo = nest(bench, make)
    layer.outer.wait(t='record', path='a/b')  # no ack yet
    layer.outer.send(t='ack', path='a/b', nonce=NONCE)
    layer.outer.no_more(6, t='record')
    layer.outer.send(t='exec', path='a/b', id=1, argv=['sh', '-c', 'seq 20000; exit 5'])
    equal(layer.outer.wait(t='exit', path='a/b', id=1, consume=False)['status'], 5, 'status')
    text = decoded([m for m in layer.outer.messages if m['t'] == 'out'])
    equal(text, ''.join('%d\n' % i for i in range(1, 20001)).encode(), 'inner output')
    layer.outer.hello('a', echo.address, OTHER_NONCE)
    layer.outer.wait(t='record', path='a', nonce=OTHER_NONCE)
    layer.outer.wait(t='record', path='a/b', nonce=OTHER_NONCE)
    layer.outer.wait(t='event', path='a/b', step='network')
    return layer, guest, inner


@case
def nested_over_a_socket(bench):
    nest_check(bench, hvm_host)


@case
def nested_over_a_console(bench):
    layer, guest, inner = nest_check(bench, pv_host)
    consoles = decoded([m for m in layer.outer.messages if m['t'] == 'console'])
    equal(consoles.strip(), b'', 'no message leaks into the console')


@case
def three_deep(bench):
    layer, guest = hvm_host(bench)
    inner = bench.layer('b', 'guest c config=@/c.cfg channel=console\n', channel=guest.inner)
    leaf_guest = PvGuest(inner.toolstack, 'c')
    inner.toolstack.on_create[inner.folder + '/c.cfg'] = leaf_guest.create
    leaf = bench.layer('c', channel=leaf_guest.inner, xen=False)
    for each in (leaf, inner, layer):
        each.start()
    echo = Echo()
    proven(layer, echo)
    for path, depth in (('a/b', 2), ('a/b/c', 3)):
        record = layer.outer.wait(t='record', path=path)
        equal((record['depth'], record['network']['echo']), (depth, echo.expected(path, NONCE)), path)
        layer.outer.send(t='ack', path=path, nonce=NONCE)
    equal(layer.outer.wait(t='event', path='a/b', step='guest-started')['guest'], 'a/b/c', 'guest')
    leaf_guest.write(b'deep console\n')
    deep = layer.outer.wait(t='console', path='a/b/c')
    while b'deep console' not in decoded([deep]):
        deep = layer.outer.wait(t='console', path='a/b/c')
    layer.outer.send(t='exec', path='a/b/c', id=1, argv=['echo', 'from', 'c'])
    equal(decoded([layer.outer.wait(t='out', path='a/b/c')]), b'from c\n', 'exec in the leaf')
    layer.outer.send(t='input', path='a/b/c', data=base64.b64encode(b'typed').decode())
    layer.outer.none(0.5, t='exit', id=99)
    # Down: each guest's domain ends when its agent has powered it off.
    layer.outer.messages.clear()
    layer.outer.send(t='down', path='a', seconds=PATIENCE)
    for path, each, held in (('a/b/c', leaf, leaf_guest), ('a/b', inner, guest), ('a', layer, None)):
        layer.outer.wait(t='event', path=path, step='down', consume=False)
        equal(each.ended(), 0, 'status')
        if held:
            held.end()
    downs = [m['path'] for m in layer.outer.messages if m.get('step') in ('down', 'guest-ended')]
    equal(downs, ['a/b/c', 'a/b', 'a/b', 'a', 'a'], 'from the inside out')
    equal([c for c in layer.toolstack.calls + inner.toolstack.calls if c[0] != 'create'], [],
          'nothing had to be destroyed')


# ---- guests that are not what they should be ----

@case
def a_guest_speaks_for_nobody_else(bench):
    layer, guest, inner = played_guest(bench, Echo())
    layer.outer.messages.clear()
    bad = [
        {'t': 'record', 'path': 'a', 'nonce': NONCE}, {'t': 'record', 'path': 'a/c'},
        {'t': 'record', 'path': 'a/bb'}, {'t': 'record', 'path': 'b'}, {'t': 'record', 'path': ''},
        {'t': 'record', 'path': 5}, {'t': 'record'}, {'t': 'record', 'path': ['a/b']},
        {'t': 'event', 'path': 'a', 'step': 'down'}, {'t': 'exit', 'path': 'a', 'id': 1, 'status': 0},
        {'t': 'event', 'path': 'a/b', 'step': 'guest-failed', 'guest': 'a/c'},
        {'t': 'event', 'path': 'a/b', 'step': 'guest-failed', 'guest': 'a/b'},
        {'t': 'event', 'path': 'a/b', 'step': 'guest-failed', 'guest': 7},
        {'t': 'console', 'path': 'a/b', 'data': 'AAAA'}, {'t': 'console', 'path': 'a', 'data': 'AAAA'},
        {'t': 'hello', 'path': 'a/b', 'nonce': NONCE, 'echo': '1.2.3.4:5'},
        {'t': 'ack', 'path': 'a', 'nonce': NONCE}, {'t': 'exec', 'path': 'a', 'id': 1, 'argv': ['x']},
        {'t': 'down', 'path': 'a', 'seconds': 0}, {'t': 'other', 'path': 'a/b'},
    ]
    for message in bad:
        inner.send(**message)
    for text in (b'{"t":"record","path":"a/b","path":"a"}', b'{"t":"record","path":"a","path":"a/b"}',
                 b'{"t":"record","path":"a/b","p\\u0061th":"a"}',
                 b'{"t":"record","path":"a/b"}{"t":"record","path":"a"}',
                 b'{"t":"record","path":"a/b\\u0000"}', b'{"t":"record","path":"a/b","x":"\xff"}'):
        inner.raw(b'\x1e' + text + b'\n')
    good = {'t': 'event', 'path': 'a/b', 'step': 'guest-failed', 'guest': 'a/b/c', 'extra': [1, {}]}
    inner.send(**good)
    arrived = layer.outer.wait(t='event', path='a/b')
    equal(json.loads(arrived['@line']), good, 'what may pass')
    equal(arrived['@line'], json.dumps(good), 'unchanged to the byte')
    equal([m['@line'] for m in layer.outer.messages], [], 'nothing else passed')


@case
def line_limit_of_a_guest(bench):
    layer, guest, inner = played_guest(bench, Echo())
    frame = '{"t":"out","path":"a/b","id":1,"fd":1,"data":"%s"}'
    empty = len(frame) - 2
    for size, passes in ((32768, True), (32769, False), (100000, False)):
        layer.outer.messages.clear()
        line = frame % ('A' * (size - empty))
        inner.raw(b'\x1e' + line.encode() + b'\n')
        inner.send(t='exit', path='a/b', id=size, status=0)
        layer.outer.wait(t='exit', id=size)
        equal(len([m for m in layer.outer.messages if m['t'] == 'out']), int(passes), size)


@case
def flood_from_a_guest(bench):
    layer, guest, inner = played_guest(bench, Echo())
    data = b'\x1e' + json.dumps({'t': 'out', 'path': 'a/b', 'id': 1, 'fd': 1,
                                 'data': 'A' * 8000}).encode() + b'\n'
    os.set_blocking(inner.fd, False)
    sent = 0
    end = time.monotonic() + 2
    while time.monotonic() < end:  # nobody reads at the outer end
        try:
            sent += os.write(inner.fd, data[sent % len(data):])
        except BlockingIOError:
            time.sleep(0.01)
    check(sent < 2 * 1024 * 1024, 'the guest is not held back:', sent)
    check(SANITIZED or layer.status('VmHWM') < 4 * 1024, 'peak KiB', layer.status('VmHWM'))
    rest = data[sent % len(data):] if sent % len(data) else b''
    count = (sent + len(rest)) // len(data)
    rest += b'\x1e{"t":"exit","path":"a/b","id":1,"status":0}\n'
    end = time.monotonic() + PATIENCE
    while rest:  # it is taken as fast as the outer end is read
        check(time.monotonic() < end, 'the guest is held back for ever')
        try:
            rest = rest[os.write(inner.fd, rest):]
        except BlockingIOError:
            layer.outer.pump(0.1)
    layer.outer.wait(t='exit', path='a/b')
    equal(len([m for m in layer.outer.messages if m['t'] == 'out']), count, 'none is lost')


@case
def guest_that_does_not_end_is_destroyed(bench):
    layer, guest, inner = played_guest(bench, Echo())
    start = time.monotonic()
    layer.outer.send(t='down', path='a', seconds=3)
    message = inner.wait(t='down')
    equal(message['path'], 'a/b', 'who is told')
    check(message['seconds'] in (1, 2), 'what the guest is told', message)  # two thirds of what is left
    layer.outer.wait(t='event', step='guest-ended', seconds=30)
    check(time.monotonic() - start > 3, 'destroyed after', time.monotonic() - start)
    equal(layer.toolstack.calls[1:], [['destroy', 'b']], 'calls of xl')
    layer.outer.wait(t='event', step='down')
    equal(layer.ended(), 0, 'status')


@case
def guest_without_an_agent_is_shut_down(bench):
    layer, guest = pv_host(bench)
    layer.start()
    proven(layer, Echo())
    layer.outer.wait(t='event', step='guest-started')
    layer.outer.send(t='down', path='a', seconds=PATIENCE)
    layer.outer.wait(t='event', step='guest-ended')
    equal(layer.toolstack.calls[1:], [['shutdown', '-F', 'b']], 'calls of xl')
    equal(layer.ended(), 0, 'status')


@case
def guest_that_never_came_up_gets_less_time(bench):
    layer, guest = hvm_host(bench, bridged=False)
    layer.toolstack.on_verb['shutdown', 'b'] = lambda: (0, '')  # it hangs
    layer.start()
    proven(layer, Echo())
    layer.outer.wait(t='event', step='guest-started')
    start = time.monotonic()
    layer.outer.send(t='down', path='a', seconds=3600)
    layer.outer.wait(t='event', step='guest-ended', seconds=120)
    check(time.monotonic() - start > 19, 'destroyed after', time.monotonic() - start)
    equal(layer.toolstack.calls[1:], [['shutdown', '-F', 'b'], ['destroy', 'b']], 'calls of xl')
    equal(layer.ended(), 0, 'status')


@case
def agent_that_starts_again(bench):
    layer, guest, inner, echo = nest(bench, hvm_host)
    layer.process.terminate()
    layer.ended()
    layer.outer.messages.clear()
    layer.start()
    proven(layer, echo, nonce=OTHER_NONCE)
    layer.outer.wait(t='record', path='a/b', nonce=OTHER_NONCE)
    equal([c[0] for c in layer.toolstack.calls], ['create'], 'calls of xl')


def run(index):
    """What to print, and whether it went well."""
    function = CASES[index]
    name = 'agent: ' + function.__name__.replace('_', ' ')
    bench = Bench()
    start = time.monotonic()
    problem = None
    try:
        function(bench)
    except Failure as failure:
        problem = str(failure)
    except Exception:
        problem = traceback.format_exc()
    words, crashes = bench.done(problem is not None)
    if crashes and not problem:
        problem = 'the agent of %s did not end as it should' % ', '.join(crashes)
    took = time.monotonic() - start
    if not problem:
        return 'ok %s (%.1f s)' % (name, took), True
    text = '\n'.join([problem] + words).replace('\n', '\n#   ')
    return 'not ok %s (%.1f s)\n#   %s' % (name, took, text), False


def main():
    wanted = [i for i, f in enumerate(CASES) if not sys.argv[1:] or f.__name__ in sys.argv[1:]]
    passed = 0
    # They wait far more than they compute.
    with multiprocessing.Pool(12) as pool:
        for text, good in pool.imap(run, wanted, chunksize=1):
            print(text, flush=True)
            passed += good
    print('%d passed, %d failed, 0 skipped' % (passed, len(wanted) - passed))
    sys.exit(passed < len(wanted))


if __name__ == '__main__':
    main()
