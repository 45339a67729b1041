/** What to run in a container: image and command. */
export const web = (name: string, port = 80): string[] => ['busybox', 'sh', '-c', webScript(name, port)]

/** A web server in busybox that tells its name at `/`, as a shell script. */
export const webScript = (name: string, port = 80): string => `mkdir -p /www && echo ${name} > /www/index.html && exec httpd -f -p ${port} -h /www`

/** Answers each datagram at port 5353 as it came; the image is that of `importPython`. */
export const udpEcho: readonly string[] = ['python', 'python3', '-c', `from socket import *
echo = socket(AF_INET, SOCK_DGRAM)
echo.bind(('', 5353))
while True: echo.sendto(*echo.recvfrom(65536))`]
