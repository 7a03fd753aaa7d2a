# shellcheck shell=bash disable=SC2034
# Sourced: naps and commands that end at once on SIGTERM. Whoever sources it may define `tick`, called about every second
# while a command runs.
stopping=0 wake=0 nap_pid=
trap 'stopping=1 wake=1; [[ -z $nap_pid ]] || kill "$nap_pid" 2>/dev/null' TERM INT

tick() { :; }

# nap SECONDS [PID]: for so long, or until PID ends or a signal says stop.
nap() {
  sleep "$1" &
  nap_pid=$!
  if ((wake)); then kill "$nap_pid" 2>/dev/null; fi # the signal came before there was a nap to end
  wait -n "$nap_pid" ${2:+"$2"} 2>/dev/null
  kill "$nap_pid" 2>/dev/null
  wait "$nap_pid" 2>/dev/null
  nap_pid='' wake=0
}

signal_group() { kill "-$1" -- "-$2" 2>/dev/null || kill "-$1" "$2" 2>/dev/null; }

# run_bounded SECONDS COMMAND...: COMMAND must end in `exec setsid`, which makes it a process group of its own. Sets `outcome`
# to its exit code, 124 when its time ran out. On both, time out and stop, the group gets TERM, and KILL 20 seconds later.
run_bounded() {
  local pid deadline=$((SECONDS + $1)) ending=0 timed_out=0
  shift
  "$@" &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if ((!ending && (stopping || SECONDS >= deadline))); then
      ((stopping)) || timed_out=1
      ending=1 deadline=$((SECONDS + 20))
      signal_group TERM "$pid"
    elif ((ending && SECONDS >= deadline)); then
      signal_group KILL "$pid"
    fi
    nap 1 "$pid"
    tick
  done
  wait "$pid"
  outcome=$?
  if ((timed_out)); then
    signal_group KILL "$pid"
    outcome=124
  fi
}
