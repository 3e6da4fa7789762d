#!/bin/sh
# The life of an installation on this very machine, from nothing to nothing, by the verbs that a person types:
# tests/life.sh [OPTION...]. The options go to every verb. For machines that are thrown away afterwards.
set -eu
cd "$(dirname "$0")/.."

step() {
  printf '\n=== ./reachable %s\n' "$*"
  ./reachable "$@"
}

expect() {
  expected=$1
  shift
  output=$(step "$@") || { printf '%s\n' "$output"; exit 1; }
  printf '%s\n' "$output"
  case $output in
    *"$expected"*) ;;
    *) printf 'It should have said: %s\n' "$expected"; exit 1 ;;
  esac
}

step up --check "$@"
step up "$@"
expect "no changes" up "$@"
step drift "$@"
step status "$@"
step doctor "$@"
step logs --unit jupyter --since "1 hour ago" "$@"
step upgrade "$@"
step password "$@" </dev/null
step doctor "$@"
expect "no changes" up "$@"
step down --yes "$@"
expect "no changes" down --yes "$@"
