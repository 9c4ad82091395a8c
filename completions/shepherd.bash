# Completion of shepherd's command line for bash: the supervisor's options, and the commands of `shepherd system`.

# The numbers of all generations.
_shepherd_generations() {
  local link
  for link in /var/lib/shepherd/generations/system-*; do
    [[ -L $link ]] && echo "${link##*-}"
  done
}

# The names of systemd's units, and files.
_shepherd_units() {
  local file
  for file in {/etc,/run,/usr/local/lib,/lib,/usr/lib}/systemd/system/*.*; do
    [[ -f $file ]] && compgen -W "${file##*/}" -- "$1"
  done | sort -u
  compgen -f -- "$1"
}

_shepherd() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local daemon='--socket= --logfile= --pid --insecure --silent --quiet --syslog --log-format= --shutdown-timeout= --boot-record --hibernate='
  local general='--help --usage --version'
  local command=${COMP_WORDS[2]-}
  COMPREPLY=()

  case $previous in
    -c | --config | -s | --socket | -l | --logfile)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    -o | --output | --root)
      mapfile -t COMPREPLY < <(compgen -d -- "$current")
      return
      ;;
    --log-format)
      mapfile -t COMPREPLY < <(compgen -W 'auto json text' -- "$current")
      return
      ;;
    --shutdown-timeout | --hibernate)
      return
      ;;
  esac

  if [[ ${COMP_WORDS[1]-} != system || COMP_CWORD -eq 1 ]]; then
    if [[ $current == -* ]]; then
      mapfile -t COMPREPLY < <(compgen -W "--config= $daemon $general" -- "$current")
      [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
    elif ((COMP_CWORD == 1)); then
      mapfile -t COMPREPLY < <(compgen -W system -- "$current")
    fi
    return
  fi

  if ((COMP_CWORD == 2)); then
    mapfile -t COMPREPLY < <(compgen -W "build boot activate reconfigure shepherd-graph extension-graph search convert describe
      list-generations roll-back switch-generation delete-generations $general" -- "$current")
    return
  fi

  if [[ $current == -* ]]; then
    local own=
    case $command in
      build) own=--output= ;;
      boot) own=$daemon ;;
      reconfigure | roll-back | switch-generation) own='--dry-run --socket=' ;;
      shepherd-graph | extension-graph) own=--svg ;;
      convert) own='--root= --from=' ;;
    esac
    mapfile -t COMPREPLY < <(compgen -W "$own $general" -- "$current")
    [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
    return
  fi

  case $command in
    build | boot | reconfigure | shepherd-graph | extension-graph)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      ;;
    convert) mapfile -t COMPREPLY < <(_shepherd_units "$current") ;;
    activate) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    list-generations | switch-generation | delete-generations)
      mapfile -t COMPREPLY < <(compgen -W "$(_shepherd_generations)" -- "$current")
      ;;
  esac
}

complete -F _shepherd shepherd
