"""What cases are made of: the list of them, and layers with guests in the state that they begin in."""
import os

from bench import NONCE, Outer, equal, until
from toolstack_double import HvmGuest, PvGuest

CASES = []
FENCE = 4711
# Shadow memory is not the agent's.
with open(os.environ['AGENT'], 'rb') as program:
    SANITIZED = b'__asan_' in program.read()


def case(function):
    CASES.append(function)
    return function


def proven(layer, echo, path=None, nonce=NONCE):
    """hello, record, ack: the record, which is not told again."""
    path = path or layer.name
    layer.outer.wait(t='ready', layer=layer.name)
    layer.outer.hello(path, echo.address, nonce)
    record = layer.outer.wait(t='record', path=path, nonce=nonce)
    layer.outer.send(t='ack', path=path, nonce=nonce)
    # Behind it comes nothing that was sent before the ack.
    layer.outer.send(t='exec', path=path, id=FENCE, argv=['true'])
    layer.outer.wait(t='exit', path=path, id=FENCE)
    layer.outer.messages = [m for m in layer.outer.messages
                            if (m['t'], m.get('path')) != ('record', path)]
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
    until(lambda: guest.connections, 'the connection to the guest')
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
