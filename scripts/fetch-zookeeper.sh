#!/usr/bin/env bash
# Puts the jars of one Apache ZooKeeper, and all it needs to serve, into a folder: fetch-zookeeper.sh 3.9.5 DIR
#
# They come from the Maven repository that `mvn` is configured for, within MAVEN_SECONDS (300). The folder appears
# only when it is complete; a second call finds it and does nothing.
set -euo pipefail

version=${1:?usage: fetch-zookeeper.sh VERSION DIR}
target=${2:?usage: fetch-zookeeper.sh VERSION DIR}

if [[ -e "$target/zookeeper-$version.jar" ]]; then
  echo "ZooKeeper $version: already in $target"
  exit 0
fi
command -v mvn >/dev/null || { echo "ZooKeeper $version: no mvn to fetch it with" >&2; exit 1; }

# The server loads these at start, yet its pom leaves them to the distribution. 3.9 speaks SLF4J 2, 3.8 SLF4J 1;
# before that the pom brings a binding of its own.
case $version in
  3.5.* | 3.6.* | 3.7.*) logger='' ;;
  3.8.*) logger=1.7.36 ;;
  *) logger=2.0.13 ;;
esac

mkdir -p "$(dirname "$target")"
work=$(mktemp -d "$(dirname "$target")/.fetch-XXXXXX")
trap 'rm -rf "$work"' EXIT

dependency() { echo "<dependency><groupId>$1</groupId><artifactId>$2</artifactId><version>$3</version></dependency>"; }
cat >"$work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kazoo-ts</groupId>
  <artifactId>zookeeper-jars</artifactId>
  <version>1</version>
  <dependencies>
    $(dependency org.apache.zookeeper zookeeper "$version")
    $(dependency io.dropwizard.metrics metrics-core 4.1.12.1)
    $(dependency org.xerial.snappy snappy-java 1.1.10.5)
    $([[ -z $logger ]] || dependency org.slf4j slf4j-simple "$logger")
  </dependencies>
</project>
POM

timeout "${MAVEN_SECONDS:-300}" mvn --batch-mode --quiet --file "$work/pom.xml" dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$work/jars" </dev/null
[[ -e "$work/jars/zookeeper-$version.jar" ]] || { echo "ZooKeeper $version: mvn brought no jar" >&2; exit 1; }
# TLS works without the native libraries of other platforms, and they are half of what was fetched.
rm -f "$work"/jars/netty-tcnative-boringssl-static-*-{osx,windows}-*.jar
rm -rf "$target"
mv "$work/jars" "$target"
echo "ZooKeeper $version: $(find "$target" -name '*.jar' | wc -l) jars in $target"
