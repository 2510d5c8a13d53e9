"""What cases are made of: the list of them, and layers with guests in the state that they begin in."""
import os
import time

from bench import NONCE, Outer, equal
from toolstack_double import HvmGuest, PvGuest

CASES = []
# Shadow memory is not the agent's.
with open(os.environ['AGENT'], 'rb') as program:
    SANITIZED = b'__asan_' in program.read()


def case(function):
    CASES.append(function)
    return function


def proven(layer, echo, path=None, nonce=NONCE):
    """hello, record, ack."""
    path = path or layer.name
    layer.outer.wait(t='ready', layer=layer.name)
    layer.outer.hello(path, echo.address, nonce)
    record = layer.outer.wait(t='record', path=path)
    layer.outer.send(t='ack', path=path, nonce=nonce)
    return record


def host(bench, guests, **kwargs):
    """guests: lines of agent.conf with @ for the layer's folder."""
    return bench.layer('a', ''.join('guest %s\n' % g for g in guests), **kwargs)


def pv_host(bench, **kwargs):
    layer = host(bench, ['b config=@/b.cfg channel=console'], **kwargs)
    guest = PvGuest(layer.toolstack, 'b')
    layer.toolstack.on_create[layer.folder + '/b.cfg'] = guest.create
    return layer, guest


def hvm_host(bench, bridged=True, **kwargs):
    layer = host(bench, ['b config=@/b.cfg channel=socket:@/b.sock'], **kwargs)
    guest = HvmGuest(layer.toolstack, 'b', layer.folder + '/b.sock', bridged)
    layer.toolstack.on_create[layer.folder + '/b.cfg'] = guest.create
    return layer, guest


def guest_connection(guest):
    """The channel of a guest whose agent the case plays."""
    until = time.monotonic() + 5
    while not guest.connections and time.monotonic() < until:
        time.sleep(0.02)
    return Outer(guest.connections[0].fileno())


def played_guest(bench, echo):
    """A host that is proven, and a guest whose agent this case plays over the guest's socket."""
    layer, guest = hvm_host(bench, bridged=False)
    layer.start()
    proven(layer, echo)
    layer.outer.wait(t='event', step='guest-started')
    inner = guest_connection(guest)
    inner.send(t='ready', agent=1, layer='b')
    equal(inner.wait(t='hello')['path'], 'a/b', 'path of the hello')
    return layer, guest, inner
