# Stands in for the image testcontainers/ryuk, which tests cannot pull: the same protocol to Testcontainers (moby-ryuk, reaper.go), and like
# it a client of the Docker API on the socket it has bound. Containers only; Python without its json.
import os, re, socket, threading, time

filters, open_connections, last_seen = [], 0, time.time()
patience = float(os.environ.get('RYUK_RECONNECTION_TIMEOUT', '10s').rstrip('s'))

def docker(method, path):
    call = socket.socket(socket.AF_UNIX)
    call.connect('/var/run/docker.sock')
    call.sendall(f'{method} {path} HTTP/1.0\r\nHost: docker\r\n\r\n'.encode())
    answer = b''
    while chunk := call.recv(65536): answer += chunk
    return answer.split(b'\r\n\r\n', 1)[1].decode()

def quoted(text):
    return ''.join(f'%{byte:02x}' for byte in text.encode())

def serve(connection):
    global open_connections, last_seen
    for line in connection.makefile('r'):
        filters.append(line.strip())
        connection.sendall(b'ACK\n')
    open_connections -= 1
    last_seen = time.time()

def listen():
    global open_connections
    server = socket.create_server(('', 8080))
    docker('GET', '/_ping')
    print('Started', flush=True)
    while True:
        connection, _ = server.accept()
        open_connections += 1
        threading.Thread(target=serve, args=[connection], daemon=True).start()

threading.Thread(target=listen, daemon=True).start()
while open_connections > 0 or time.time() - last_seen < patience: time.sleep(0.1)
for line in filters:
    for label in line.split('&'):
        wanted = quoted('{"label":["%s"]}' % label.split('=', 1)[1])
        for found in re.findall(r'"Id":"([0-9a-f]{64})"', docker('GET', f'/containers/json?all=1&filters={wanted}')):
            # Ryuk leaves itself out by its own label.
            if '"org.testcontainers.ryuk":"true"' not in docker('GET', f'/containers/{found}/json'): docker('DELETE', f'/containers/{found}?force=1&v=1')
print('Removed', flush=True)
