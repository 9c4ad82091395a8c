# Completion of herd's command line for fish: options, actions and services.

function __herd_operands --description 'How many words of the command line are no options'
    set -l words (commandline -opc)
    set -l count 0
    set -l skip 0
    for word in $words[2..]
        if test $skip = 1
            set skip 0
            continue
        end
        switch $word
            case -s -n -N -d -E --socket --log-history --service-name --log-file --working-directory --environment-variable --user --group --since --until --grep --detach-key --root --interval --by
                set skip 1
            case '-*'
            case '*'
                set count (math $count + 1)
        end
    end
    echo $count
end

function __herd_services --description 'The names of all services'
    herd status 2>/dev/null | string replace --filter --regex '^ [^ ] ' ''
end

function __herd_units --description 'The names of units of systemd'
    for file in /{etc,run,usr/local/lib,lib,usr/lib}/systemd/system/*.*
        test -f $file; and string replace --regex '.*/' '' $file
    end
end

complete -c herd -f
complete -c herd -s s -l socket -r -F -d 'send commands to this socket, or ssh://HOST/SOCKET'
complete -c herd -s n -l log-history -x -d 'how many log lines and timer runs to show'
complete -c herd -l json -d 'print the result as JSON'
complete -c herd -s N -l service-name -x -d 'name of the new service'
complete -c herd -l log-file -r -F -d "file for the program's output"
complete -c herd -s d -l working-directory -x -a '(__fish_complete_directories)' -d "the program's directory"
complete -c herd -s E -l environment-variable -x -d "add to the program's environment"
complete -c herd -l user -x -a '(__fish_complete_users)' -d 'run the program as this user'
complete -c herd -l group -x -a '(__fish_complete_groups)' -d 'run the program as this group'
complete -c herd -s f -l follow -d 'log: go on with the lines that come'
complete -c herd -l since -x -a 'today yesterday -1h -10min -1d' -d 'log: only lines from this time on'
complete -c herd -l until -x -a 'today yesterday -1h -10min -1d' -d 'log: only lines up to this time'
complete -c herd -l grep -x -d 'log: only lines that match this pattern'
complete -c herd -l read-only -d 'attach: type nothing'
complete -c herd -l detach-key -x -a 'ctrl-] ctrl-a ctrl-q none' -d 'attach: the key that detaches'
complete -c herd -l once -d 'top: print one table'
complete -c herd -l interval -x -d 'top: look every so many seconds'
complete -c herd -l by -x -a 'name state pid cpu memory uptime restarts' -d 'top: sort by this column'
complete -c herd -l all -d 'verify: all units'
complete -c herd -l strict -d 'verify: fail where something that a unit needs is not applied'
complete -c herd -l root -x -a '(__fish_complete_directories)' -d 'verify: the system whose units are checked'
complete -c herd -l help -d 'show the options'
complete -c herd -l usage -d 'show a short usage message'
complete -c herd -l version -d 'show the version'

set -l actions status detailed-status top start stop restart enable disable doc log graph attach detach tree verify help eval load unload reload cd \
    upgrade rotate halt power-off reboot kexec shutdown cancel-shutdown trigger schedule spawn
complete -c herd -n 'test (__herd_operands) = 0' -a "$actions"
complete -c herd -n 'test (__herd_operands) = 1; and not __fish_seen_subcommand_from verify' -a '(__herd_services)'
complete -c herd -n 'test (__herd_operands) -ge 1; and __fish_seen_subcommand_from verify' -F -a '(__herd_units)'
complete -c herd -n 'test (__herd_operands) = 1; and __fish_seen_subcommand_from upgrade' -a keeper
complete -c herd -n 'test (__herd_operands) = 2; and __fish_seen_subcommand_from upgrade' -a keeper
complete -c herd -n 'test (__herd_operands) -ge 2; and __fish_seen_subcommand_from rotate log top' -a '(__herd_services)'
complete -c herd -n 'test (__herd_operands) = 2; and __fish_seen_subcommand_from doc' -a 'list-actions action full short'
complete -c herd -n 'test (__herd_operands) = 2; and __fish_seen_subcommand_from load reload' -F
complete -c herd -n 'test (__herd_operands) = 2; and __fish_seen_subcommand_from unload' -a 'all (__herd_services)'
complete -c herd -n 'test (__herd_operands) = 2; and __fish_seen_subcommand_from cd' -a '(__fish_complete_directories)'
complete -c herd -n 'test (__herd_operands) = 2; and __fish_seen_subcommand_from schedule' -a 'at on in every'
