"""Runs a command on a terminal of its own and talks to it, as a person would.

on-terminal.py ROWSxCOLUMNS STEP... -- COMMAND...

Steps, one after the other: `see:TEXT` waits until TEXT was printed since the last step, `type:TEXT` types it (with \\n, \\x10 and the
like), `size:ROWSxCOLUMNS` resizes the terminal, `signal:NAME` sends a signal to the command, `hangup:` closes the terminal.
Prints what was seen, then the exit code; not what else was printed, as prompts come again when they like.
"""
import fcntl, os, pty, select, signal, struct, sys, termios, time


def main():
    size, *rest = sys.argv[1:]
    steps, command = rest[:rest.index('--')], rest[rest.index('--') + 1:]
    child, terminal = pty.fork()
    if child == 0:
        resize(0, size)
        os.execvp(command[0], command)
    resize(terminal, size)
    printed, seen, resized = b'', 0, False
    for step in steps:
        kind, _, text = step.partition(':')
        text = text.encode().decode('unicode_escape').encode('latin1')
        if kind == 'see':
            # A client that is just starting may not have heard of the size yet.
            printed, seen = wait_for(terminal, printed, seen, text, (lambda: os.kill(child, signal.SIGWINCH)) if resized else lambda: None)
            print('saw', text.decode(), flush=True)
        elif kind == 'type':
            os.write(terminal, text)
        elif kind == 'size':
            resize(terminal, text.decode())
            resized = True
        elif kind == 'signal':
            os.kill(child, getattr(signal, text.decode()))
        elif kind == 'hangup':
            os.close(terminal)
    while read(terminal, 60):
        pass
    _, status = os.waitpid(child, 0)
    print('exit code', os.waitstatus_to_exitcode(status))


def resize(terminal, size):
    rows, columns = map(int, size.split('x'))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))


def wait_for(terminal, printed, seen, text, meanwhile):
    end = time.monotonic() + 60
    while text not in printed[seen:]:
        more = read(terminal, 1)
        if more is None or time.monotonic() > end:
            sys.exit('never printed %r but %r' % (text, printed))
        if more == b'':
            meanwhile()
        printed += more
    return printed, printed.index(text, seen) + len(text)


def read(terminal, timeout):
    """Empty after `timeout` seconds of silence, None when the terminal is closed."""
    if not select.select([terminal], [], [], timeout)[0]:
        return b''
    try:
        return os.read(terminal, 65536) or None
    except OSError:
        return None


main()
