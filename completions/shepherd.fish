# Completion of shepherd's command line for fish: the supervisor's options, and the commands of `shepherd system`.

function __shepherd_in --description 'Whether the command line is about one of these commands of shepherd system'
    set -l words (commandline -opc)
    test (count $words) -ge 3; and test $words[2] = system; and contains -- $words[3] $argv
end

function __shepherd_supervises --description 'Whether the words that follow are for the supervisor'
    set -l words (commandline -opc)
    test (count $words) -lt 2; or test $words[2] != system; or __shepherd_in boot
end

function __shepherd_wants_command --description 'Whether a command of shepherd system comes next'
    set -l words (commandline -opc)
    test (count $words) -eq 2; and test $words[2] = system
end

function __shepherd_generations --description 'The numbers of all generations'
    for link in /var/lib/shepherd/generations/system-*
        string replace --regex '.*-' '' $link
    end
end

function __shepherd_units --description 'The names of units of systemd'
    for file in /{etc,run,usr/local/lib,lib,usr/lib}/systemd/system/*.*
        test -f $file; and string replace --regex '.*/' '' $file
    end
end

complete -c shepherd -f
complete -c shepherd -n 'test (count (commandline -opc)) -eq 1' -a system -d 'compose, boot and change systems'
complete -c shepherd -n '__shepherd_supervises; and not __shepherd_in boot' -s c -l config -r -F -d 'load services from this module'
complete -c shepherd -n __shepherd_supervises -s s -l socket -r -F -d 'take commands at this socket'
complete -c shepherd -n __shepherd_supervises -s l -l logfile -r -F -d 'write the log to this file'
complete -c shepherd -n __shepherd_supervises -l pid -d 'when ready, write the process ID'
complete -c shepherd -n __shepherd_supervises -s I -l insecure -d 'accept a socket directory that others can enter'
complete -c shepherd -n __shepherd_supervises -s S -l silent -l quiet -d 'write nothing to standard output'
complete -c shepherd -n __shepherd_supervises -l syslog -d 'send the log to the system log'
complete -c shepherd -n __shepherd_supervises -l log-format -x -a 'auto json text' -d 'the format of the log'
complete -c shepherd -n __shepherd_supervises -l shutdown-timeout -x -d 'seconds within which a shutdown ends'
complete -c shepherd -n __shepherd_supervises -l boot-record -d 'record the boot, and repeat it the next time'
complete -c shepherd -n __shepherd_supervises -l hibernate -x -d 'seconds without anything to do before going to sleep'
complete -c shepherd -l help -d 'show the options'
complete -c shepherd -l usage -d 'show a short usage message'
complete -c shepherd -l version -d 'show the version'

complete -c shepherd -n __shepherd_wants_command -a build -d 'build a system'
complete -c shepherd -n __shepherd_wants_command -a boot -d 'activate a system and supervise it'
complete -c shepherd -n __shepherd_wants_command -a activate -d 'activate a system'
complete -c shepherd -n __shepherd_wants_command -a reconfigure -d 'make another system the one that runs'
complete -c shepherd -n __shepherd_wants_command -a shepherd-graph -d 'print the graph of services'
complete -c shepherd -n __shepherd_wants_command -a extension-graph -d 'print the graph of extensions'
complete -c shepherd -n __shepherd_wants_command -a search -d 'find types of services'
complete -c shepherd -n __shepherd_wants_command -a convert -d 'print units, or a file of another supervisor, as a configuration'
complete -c shepherd -n __shepherd_wants_command -a describe -d 'tell about the generation in use'
complete -c shepherd -n __shepherd_wants_command -a list-generations -d 'tell about all generations'
complete -c shepherd -n __shepherd_wants_command -a roll-back -d 'go back to the generation before'
complete -c shepherd -n __shepherd_wants_command -a switch-generation -d 'go to a generation'
complete -c shepherd -n __shepherd_wants_command -a delete-generations -d 'remove generations'
complete -c shepherd -n '__shepherd_in build boot reconfigure shepherd-graph extension-graph' -F
complete -c shepherd -n '__shepherd_in convert' -F -a '(__shepherd_units)'
complete -c shepherd -n '__shepherd_in convert' -l root -x -a '(__fish_complete_directories)' -d 'the system whose units are converted'
complete -c shepherd -n '__shepherd_in convert' -l from -x -a 'supervisord procfile pm2' -d 'what the file is'
complete -c shepherd -n '__shepherd_in activate' -x -a '(__fish_complete_directories)'
complete -c shepherd -n '__shepherd_in list-generations switch-generation delete-generations' -a '(__shepherd_generations)'
complete -c shepherd -n '__shepherd_in build' -s o -l output -x -a '(__fish_complete_directories)' -d 'where the system is made'
complete -c shepherd -n '__shepherd_in reconfigure roll-back switch-generation' -s n -l dry-run -d 'print the plan alone'
complete -c shepherd -n '__shepherd_in reconfigure roll-back switch-generation' -s s -l socket -r -F -d "the supervisor's socket"
complete -c shepherd -n '__shepherd_in shepherd-graph extension-graph' -l svg -d 'print a picture'
