# Completion of herd's command line for bash: options, actions, services, and `doc` of a service's own actions.

_herd_services() {
  # Every section of the overview lists names after a one-character bullet.
  herd "${@}" status 2>/dev/null | sed -n 's/^ [^ ] //p'
}

# The names of systemd's units, and files.
_herd_units() {
  local file
  for file in {/etc,/run,/usr/local/lib,/lib,/usr/lib}/systemd/system/*.*; do
    [[ -f $file ]] && compgen -W "${file##*/}" -- "$1"
  done | sort -u
  compgen -f -- "$1"
}

# The actions that a service defines, from lines such as "NAME:"; documentation is indented.
_herd_own_actions() {
  herd "${@}" list-actions 2>/dev/null | sed -n 's/^\([^ ]*\):$/\1/p'
}

_herd() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local -a socket=() operands=()
  local index word
  COMPREPLY=()

  case $previous in
    -s | --socket | --log-file)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    -d | --working-directory | --root)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --user)
      mapfile -t COMPREPLY < <(compgen -u -- "$current")
      return
      ;;
    --group)
      mapfile -t COMPREPLY < <(compgen -g -- "$current")
      return
      ;;
    --since | --until)
      mapfile -t COMPREPLY < <(compgen -W 'today yesterday -1h -10min -1d' -- "$current")
      return
      ;;
    --detach-key)
      mapfile -t COMPREPLY < <(compgen -W 'ctrl-] ctrl-a ctrl-q none' -- "$current")
      return
      ;;
    --by)
      mapfile -t COMPREPLY < <(compgen -W 'name state pid cpu memory uptime restarts' -- "$current")
      return
      ;;
    --interval | --grep | -n | --log-history | -N | --service-name | -E | --environment-variable)
      return
      ;;
  esac

  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    case $word in
      -s | --socket)
        ((index++))
        socket=(-s "${COMP_WORDS[index]}")
        ;;
      -[nNdE] | --log-history | --service-name | --log-file | --working-directory | --environment-variable | --user | --group | --since | --until | --grep | --detach-key | --root | --interval | --by)
        ((index++))
        ;;
      -*) ;;
      *) operands+=("$word") ;;
    esac
  done

  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W '--socket= --log-history= --json --service-name= --log-file=
      --working-directory= --environment-variable= --user= --group= --follow --since= --until= --grep= --once --interval= --by= --read-only --detach-key= --root= --all --strict --help --usage --version' -- "$current")
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
    return
  fi

  if [[ ${operands[0]-} == @(rotate|log|top) ]] && ((${#operands[@]} > 1)); then
    mapfile -t COMPREPLY < <(compgen -W "$(_herd_services "${socket[@]}")" -- "$current")
    return
  fi

  if [[ ${operands[0]-} == verify ]]; then
    mapfile -t COMPREPLY < <(_herd_units "$current")
    return
  fi

  case ${#operands[@]} in
    0)
      mapfile -t COMPREPLY < <(compgen -W 'status detailed-status top start stop restart enable disable doc log graph attach detach tree verify
        help eval load unload reload cd upgrade rotate halt power-off reboot kexec shutdown cancel-shutdown trigger schedule spawn' -- "$current")
      ;;
    1)
      case ${operands[0]} in
        upgrade) mapfile -t COMPREPLY < <(compgen -W 'keeper root' -- "$current") ;;
        halt | power-off | reboot | kexec | shutdown | cancel-shutdown | eval | load | unload | reload | cd | rotate | graph | help)
          mapfile -t COMPREPLY < <(compgen -W root -- "$current")
          ;;
        *)
          mapfile -t COMPREPLY < <(compgen -W "$(_herd_services "${socket[@]}")" -- "$current")
          ;;
      esac
      ;;
    2)
      case ${operands[0]} in
        doc) mapfile -t COMPREPLY < <(compgen -W 'list-actions action full short' -- "$current") ;;
        unload) mapfile -t COMPREPLY < <(compgen -W "all $(_herd_services "${socket[@]}")" -- "$current") ;;
        load | reload) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
        cd) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
        upgrade) mapfile -t COMPREPLY < <(compgen -W keeper -- "$current") ;;
        schedule) mapfile -t COMPREPLY < <(compgen -W "at on in every" -- "$current") ;;
      esac
      ;;
    3)
      [[ ${operands[0]} == doc && ${operands[2]} == action ]] &&
        mapfile -t COMPREPLY < <(compgen -W "$(_herd_own_actions "${socket[@]}" doc "${operands[1]}")" -- "$current")
      ;;
  esac
}

complete -F _herd herd
