#!/usr/bin/env bash
# Generates the messages of this folder anew. Usage: bash lib/buildkit/proto/refresh.sh CHECKOUT_OF_MOBY_BUILDKIT
# The definitions are BuildKit's and containerd's (Apache License 2.0), fsutil's (MIT) and google.rpc.Status; only their structure is kept,
# no comments. Needs npm, which fetches buf and protoc-gen-es (the version of @bufbuild/protobuf here) into a temporary folder.
set -eu
buildkit=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/protos"

files="api/services/control/control.proto api/types/worker.proto frontend/gateway/pb/gateway.proto solver/pb/ops.proto
  sourcepolicy/pb/policy.proto util/apicaps/pb/caps.proto session/upload/upload.proto session/auth/auth.proto
  vendor/github.com/tonistiigi/fsutil/types/stat.proto vendor/github.com/containerd/containerd/api/services/content/v1/content.proto"
for file in $files; do
  # One flat folder; generator hints for Go are of no use here.
  git -C "$buildkit" show "HEAD:$file" | sed -E '/vtproto/d; s#^import "github.com/.*/([a-z]+\.proto)"#import "\1"#; s#"google/rpc/status.proto"#"status.proto"#' > "$work/protos/$(basename "$file")"
done
cat > "$work/protos/status.proto" <<'EOF'
syntax = "proto3";
package google.rpc;
import "google/protobuf/any.proto";
message Status {
  int32 code = 1;
  string message = 2;
  repeated google.protobuf.Any details = 3;
}
EOF

version=$(node -p "require('$here/../../../node_modules/@bufbuild/protobuf/package.json').version")
(cd "$work" && npm init -y > /dev/null && npm install --silent @bufbuild/buf "@bufbuild/protoc-gen-es@$version")
PATH="$work/node_modules/.bin:$PATH"
cat > "$work/buf.gen.yaml" <<EOF
version: v2
plugins:
  - local: protoc-gen-es
    out: $here
    opt: [target=ts, import_extension=ts, erasable_syntax=true]
EOF
rm -f "$here"/*_pb.ts
(cd "$work/protos" && buf build . --exclude-source-info -o ../image.binpb)
(cd "$work" && buf generate image.binpb)
ls "$here"/*_pb.ts
