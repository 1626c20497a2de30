# shellcheck shell=bash
# What is asked of the containers and of the apps in them. Sourced by deploy/verify.sh after steps.sh.

http_status() { # PORT PATH [BODY-OF-A-POST]
  local line method=GET
  if [[ -n ${3:-} ]]; then method=POST; fi
  exec 3<>"/dev/tcp/127.0.0.1/$1"
  printf '%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' "$method" "$2" "$(wc -c <<<"${3:-}" | awk '{print $1 - 1}')" "${3:-}" >&3
  IFS=' ' read -r -t 10 _ line _ <&3
  exec 3<&- 3>&-
  echo "$line"
}

in_dashboard() { docker exec -i "$(containers dashboard)" node --input-type=module - "$@" <deploy/verify/catalogue.mjs; }

# `docker kill` would count as the operator's wish and start nothing again: the process dies from inside.
kill_app() {
  docker exec "$1" sh -c 'for p in /proc/[0-9]*; do
    if [ $p != /proc/1 ] && grep -qa "dist/mai[n].js" $p/cmdline; then kill -KILL ${p#/proc/}; fi
  done'
}
kill_and_start() { # SERVICE [CONDITION THAT MUST HOLD BEFORE IT IS STARTED AGAIN]
  local id
  id=$(containers "$1")
  docker kill -s KILL "$id" >/dev/null
  if [[ -n ${2:-} ]]; then wait_for 60 "$2" "$2"; fi
  docker start "$id" >/dev/null
}

metric_of() { # CONTAINER OPS-PORT NAME [LABEL]: the sum of its series, or of those with a label
  docker exec "$1" node -e '
    const [port, name, label] = process.argv.slice(1);
    fetch(`http://127.0.0.1:${port}/metrics`).then((r) => r.text()).then((text) => {
      const found = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
        .filter((line) => line.includes(label));
      console.log(found.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0));
    })' "$2" "$3" "${4:-}"
}
sum_over_ingresses() { # NAME [LABEL]
  local id sum=0
  for id in $(containers ingress); do sum=$((sum + $(metric_of "$id" 9091 "$@"))); done
  echo "$sum"
}
the_spool_is_used() { (($(sum_over_ingresses reelgate_ingress_spooled_total) > 0)); }
the_spools_are_empty() { (($(sum_over_ingresses reelgate_ingress_spool_callbacks) == 0)); }
