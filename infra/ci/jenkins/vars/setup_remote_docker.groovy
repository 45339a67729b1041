/**
 * Jenkins shared library: vars/setup_remote_docker.groovy, with moorage.sh under resources/.
 *
 *   setup_remote_docker(gateway: 'https://moorage.example:2376', credentialsId: 'moorage') {
 *     sh 'docker run --rm alpine echo hello'
 *   }
 *
 * `credentialsId` is a secret text: a token of the operator's, or an OIDC token of the OpenID Connect Provider plugin.
 * `ca` is the text of the gateway's ca.pem. The namespace is closed when the block ends, however it ends.
 */
def call(Map options, Closure body) {
  def dir = "${pwd(tmp: true)}/moorage-${UUID.randomUUID()}"
  writeFile file: "${dir}/moorage.sh", text: libraryResource('moorage.sh')
  def settings = ["MOORAGE_GATEWAY=${options.gateway}", "MOORAGE_CA=${options.ca ?: ''}", "MOORAGE_POLICY=${options.policy ?: ''}", "MOORAGE_DIR=${dir}"]
  def opened = [:]
  withEnv(settings) {
    withCredentials([string(credentialsId: options.credentialsId, variable: 'MOORAGE_TOKEN')]) {
      sh script: "sh '${dir}/moorage.sh' open > '${dir}/env'", label: 'Open a Moorage namespace'
    }
    // One name and value a line, read back without a shell of our own.
    def lines = sh script: ". '${dir}/env'; for name in DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH MOORAGE_NAMESPACE; do eval \"echo \$name=\\\$\$name\"; done", returnStdout: true, label: 'Read its environment'
    opened = lines.trim().split('\n') as List
  }
  withEnv(opened) {
    try {
      body()
    } finally {
      sh script: "sh '${dir}/moorage.sh' close", label: 'Close the Moorage namespace'
    }
  }
}
