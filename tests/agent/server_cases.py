"""An agent whose outer end is a server that it dials."""
import base64
import os
import time

from bench import Echo, NONCE, OTHER_NONCE, Outer, Server, TOKEN, check, equal, until
from scenes import SANITIZED, case, guest_connection, hvm_host, pv_host
from toolstack_double import PvGuest


@case
def a_server_is_dialled(bench):
    server, echo = Server(), Echo()
    layer = bench.layer('a', server.conf).start()
    layer.outer.none(1.5, t='ready')  # the other channel is left alone
    outer = server.accept()
    equal(server.line, ('nestctl-agent a %s\n' % TOKEN).encode(), 'first line')
    outer.wait(t='ready', layer='a')
    outer.hello('r1/a', echo.address)
    record = outer.wait(t='record', path='r1/a')
    equal(record['network']['echo'], echo.expected('r1/a', NONCE), 'echo')
    outer.send(t='ack', path='r1/a', nonce=NONCE)
    outer.no_more(6, t='record')
    equal(outer.text, b'', 'text between messages')
    layer.outer.none(0, t='record')


@case
def each_connection_starts_over(bench):
    server, echo = Server(), Echo()
    layer = bench.layer('a', server.conf).start()
    for nonce in (NONCE, OTHER_NONCE, NONCE):
        outer = server.accept()
        outer.hello('a', echo.address, nonce)
        outer.wait(t='record', nonce=nonce)
        outer.wait(t='event', step='network')
        server.client.close()


@case
def a_server_may_say_hello_and_ack_alone(bench):
    server, echo = Server(), Echo()
    layer, guest = hvm_host(bench, bridged=False)
    with open(layer.conf_path, 'a') as f:
        f.write(server.conf)
    layer.start()
    outer = server.accept()
    outer.hello('a', echo.address)
    outer.wait(t='event', step='guest-started')
    inner = guest_connection(guest)
    inner.send(t='ready', agent=1, layer='b')
    inner.wait(t='hello')
    sign = layer.folder + '/sign'
    for path in ('a', 'a/b'):
        outer.send(t='exec', path=path, id=1, argv=['touch', sign])
        outer.send(t='input', path=path, data=base64.b64encode(b'typed\n').decode())
        outer.send(t='down', path=path, seconds=0)
        outer.send(t='ack', path=path, nonce=NONCE)
    equal(inner.wait(t='ack')['path'], 'a/b', 'what reaches the guest')
    outer.none(1, t='exit')
    inner.none(0.2)
    console = Outer(guest.console_master)
    console.none(0.2)
    equal(inner.text + console.text, b'', 'what reaches the console')
    check(not os.path.exists(sign), 'a command ran')
    check(layer.process.poll() is None, 'it went down')
    equal([c[0] for c in layer.toolstack.calls], ['create'], 'calls of xl')


@case
def a_server_sends_to_no_other_echo(bench):
    server, echo = Server(), Echo()
    bench.layer('a', server.conf).start()
    outer = server.accept()
    for address in ('127.0.0.2', '127.0.0.11', '127.0.0', ''):
        outer.hello('a', '%s:%s' % (address, echo.address.split(':')[1]))
    outer.none(1, t='record')
    equal(echo.requests, [], 'what was asked')
    outer.hello('a', echo.address)
    outer.wait(t='record')


@case
def a_server_that_comes_late_and_goes(bench):
    server, echo = Server(listens=False), Echo()
    layer = bench.layer('a', server.conf).start()
    layer.settled()  # it was refused
    server.listen()
    outer = server.accept()
    outer.hello('a', echo.address)
    outer.wait(t='record')
    # Nobody greets: later and later.
    server.client.close()
    times = []
    for _ in range(3):
        server.accept(seconds=30)
        times.append(time.monotonic())
        server.client.close()
    waits = [b - a for a, b in zip(times, times[1:])]
    check(waits[0] > 1.9 and waits[1] > 3.9, 'waits', waits)
    check(layer.cpu_seconds() < 0.5, 'CPU time', layer.cpu_seconds())


@case
def without_its_server_nothing_is_held_back(bench):
    server, echo = Server(), Echo()
    layer, guest = hvm_host(bench, bridged=False)
    with open(layer.conf_path, 'a') as f:
        f.write(server.conf)
    layer.start()
    outer = server.accept()
    outer.hello('a', echo.address)
    outer.wait(t='event', step='guest-started')
    inner = guest_connection(guest)
    inner.send(t='ready', agent=1, layer='b')
    inner.wait(t='hello')
    server.client.close()
    for i in range(200):
        inner.send(t='event', path='a/b', seconds=i, step='note', text='x' * 10000)
    check(layer.status('VmRSS') < 4096 or SANITIZED, 'memory', layer.status('VmRSS'))
    outer = server.accept()
    outer.hello('a', echo.address, OTHER_NONCE)
    equal(inner.wait(t='hello')['nonce'], OTHER_NONCE, 'nonce')
    outer.wait(t='record', nonce=OTHER_NONCE)


@case
def history_is_told_once(bench):
    """Who looks at a layer that runs for long hears how it is, not each restart of its guests."""
    server, echo = Server(), Echo()
    layer, guest = pv_host(bench)
    with open(layer.conf_path, 'a') as f:
        f.write(server.conf)
    layer.start()
    outer = server.accept()
    outer.wait(t='ready')
    until(lambda: guest.outer_master, 'the guest')  # before the first hello
    layer.settled()
    outer.hello('a', echo.address)
    outer.wait(t='event', step='guest-started')
    outer.wait(t='event', step='network')  # told again in the order in which they came
    for _ in range(2):
        guest.end()
        outer.wait(t='event', step='guest-ended')
        guest = PvGuest(layer.toolstack, 'b')
        guest.create()
        outer.wait(t='event', step='guest-started')
    server.client.close()
    outer = server.accept()
    outer.hello('a', echo.address, OTHER_NONCE)
    outer.wait(t='record')
    outer.pump(0.5)
    steps = [m['step'] for m in outer.messages if m['t'] == 'event']
    equal(steps, ['network', 'guest-started', 'network'], 'events')
