# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of ctgate and ctgated for fish. tests/cli/completion_test.cc compares it with --help.

# The words so far that are neither options nor values of options.
function __ctgate_words
    set -l words (commandline -opc)
    set -l is_value 0
    for word in $words[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $word
            case --policy --library --runtime-dir --image --direction --interface --user --mark --output --backend --netns --file
                set is_value 1
            case '-*'
            case '*'
                echo $word
        end
    end
end

# Whether the words so far begin with these.
function __ctgate_in
    set -l words (__ctgate_words)
    string match -q -- "$argv *" "$words "
end

# Whether the words so far are these and no others.
function __ctgate_at
    set -l words (__ctgate_words)
    test "$words" = "$argv"
end

# Whether an option would be one of `ctgate run` and not the command's.
function __ctgate_before_command
    __ctgate_at run; and not contains -- -- (commandline -opc)
end

# What would be offered for the command after `ctgate run`.
function __ctgate_subcommand
    set -l words (commandline -opc)[3..-1] (commandline -ct)
    while set -q words[2]
        switch $words[1]
            case --policy --library
                set -e words[1..2]
            case --
                set -e words[1]
                break
            case '-*'
                set -e words[1]
            case '*'
                break
        end
    end
    string match -q -- '-*' "$words"; or complete -C "$words"
end

function __ctgate_namespaces
    command ls /run/netns 2>/dev/null
end

complete -c ctgate -c ctgated -f
complete -c ctgate -n 'not __ctgate_in run; or __ctgate_before_command' -s h -l help -d 'Print help'
complete -c ctgate -n '__ctgate_at ""' -l version -d 'Print the version'

complete -c ctgate -n '__ctgate_at ""' -a run -d 'Run one command with libctgate.so preloaded'
complete -c ctgate -n '__ctgate_at ""' -a status -d 'Show what the running ctgated does'
complete -c ctgate -n '__ctgate_at ""' -a demo -d 'Reproduce the problem on this kernel, then show it fixed'
complete -c ctgate -n '__ctgate_at ""' -a policy -d 'Check, print, test and compile the policy file'
complete -c ctgate -n '__ctgate_at ""' -a rules -d 'Show the rule set of ctgated'
complete -c ctgate -n '__ctgate_at ""' -a cleanup -d 'Remove the rules of ctgate'
complete -c ctgate -n '__ctgate_at ""' -a preload -d 'Load libctgate.so into every program of the system'
complete -c ctgate -n '__ctgate_at ""' -a shim -d 'Inspect the preloaded library in running processes'
complete -c ctgate -n '__ctgate_at ""' -a resolve -d 'Resolve a name as programs under libctgate.so do'

complete -c ctgate -n __ctgate_before_command -l policy -r -F -d 'Policy file or image'
complete -c ctgate -n __ctgate_before_command -l library -r -F -d 'Use this file instead of the installed library'
complete -c ctgate -n __ctgate_before_command -l log -d 'Print a line for each datagram that was held'
complete -c ctgate -n '__ctgate_in run' -x -a '(__ctgate_subcommand)'

complete -c ctgate -n '__ctgate_at ""' -a reload -d 'Let the running ctgated read its policy again'
complete -c ctgate -n '__ctgate_in reload' -l runtime-dir -x -a '(__fish_complete_directories)' -d 'Directory of the control socket'
complete -c ctgate -n '__ctgate_in status' -l json -d 'Print one JSON object'
complete -c ctgate -n '__ctgate_in status' -l runtime-dir -x -a '(__fish_complete_directories)' -d 'Directory of the control socket'

complete -c ctgate -n '__ctgate_in demo' -l json -d 'Print one JSON object instead of the table'
complete -c ctgate -n '__ctgate_in demo' -l quick -d 'Send fewer flows'

complete -c ctgate -n '__ctgate_at policy' -a check -d 'Print the errors in a policy file'
complete -c ctgate -n '__ctgate_at policy' -a show -d 'Print the effective policy'
complete -c ctgate -n '__ctgate_at policy' -a match -d 'Show which rule a UDP flow matches, and why'
complete -c ctgate -n '__ctgate_at policy' -a compile -d 'Compile the image that the preload library reads'
complete -c ctgate -n '__ctgate_in policy check' -F
complete -c ctgate -n '__ctgate_in policy show' -F
complete -c ctgate -n '__ctgate_in policy show' -l json -d 'Print JSON instead of TOML'
complete -c ctgate -n '__ctgate_in policy show' -l image -r -F -d 'Show the contents of this image'
complete -c ctgate -n '__ctgate_in policy match' -l policy -r -F -d 'Policy file'
complete -c ctgate -n '__ctgate_in policy match' -l direction -x -a 'output forward input' -d 'Direction of the flow'
complete -c ctgate -n '__ctgate_in policy match' -l interface -x -a '(command ls /sys/class/net)' -d 'Interface'
complete -c ctgate -n '__ctgate_in policy match' -l user -x -a '(__fish_complete_users)' -d 'Local sender'
complete -c ctgate -n '__ctgate_in policy match' -l mark -x -d 'Packet mark'
complete -c ctgate -n '__ctgate_in policy match' -l json -d 'Print JSON'
complete -c ctgate -n '__ctgate_in policy compile' -F
complete -c ctgate -n '__ctgate_in policy compile' -l output -r -F -d 'Path of the image'

complete -c ctgate -n '__ctgate_at rules' -a print -d 'Print the rule set for a policy'
complete -c ctgate -n '__ctgate_in rules print' -l policy -r -F -d 'Policy file'
complete -c ctgate -n '__ctgate_in rules print' -l backend -x -a 'nftables nftables-xt iptables' -d 'Backend to print for'
complete -c ctgate -n '__ctgate_in rules print' -l netns -x -a '(__ctgate_namespaces)' -d 'Network namespace'

complete -c ctgate -n '__ctgate_in cleanup' -l runtime-dir -x -a '(__fish_complete_directories)' -d 'Directory of the control socket'
complete -c ctgate -n '__ctgate_in cleanup' -l netns -x -a '(__ctgate_namespaces)' -d 'Network namespace'

complete -c ctgate -n '__ctgate_at preload' -a enable -d 'Test the library, then add it to the file'
complete -c ctgate -n '__ctgate_at preload' -a disable -d 'Remove the library from the file'
complete -c ctgate -n '__ctgate_at preload' -a status -d 'Show the entries of the file, and what is wrong with it'
for command in enable disable status
    complete -c ctgate -n "__ctgate_in preload $command" -l file -r -F -d 'Use this file instead of /etc/ld.so.preload'
    complete -c ctgate -n "__ctgate_in preload $command" -l library -r -F -d 'Use this file instead of the installed library'
end
complete -c ctgate -n '__ctgate_in preload status' -l json -d 'Print one JSON object'

complete -c ctgate -n '__ctgate_at shim' -a status -d 'Show whether libctgate.so is loaded in a process'
complete -c ctgate -n '__ctgate_in shim status' -x -a '(__fish_complete_pids)'
complete -c ctgate -n '__ctgate_in shim status' -l json -d 'Print one JSON object'

complete -c ctgate -n '__ctgate_in resolve' -x -a '(__fish_print_hostnames)'
complete -c ctgate -n '__ctgate_in resolve' -l explain -d 'Show who answered, and why'
complete -c ctgate -n '__ctgate_in resolve' -l compare -d 'Show all ways side by side'
complete -c ctgate -n '__ctgate_in resolve' -l json -d 'Print JSON'
complete -c ctgate -n '__ctgate_in resolve' -l policy -r -F -d 'Policy file'
complete -c ctgate -n '__ctgate_in resolve' -l library -r -F -d 'Use this file instead of the installed library'

complete -c ctgated -s h -l help -d 'Print help'
complete -c ctgated -l version -d 'Print the version'
complete -c ctgated -l policy -r -F -d 'Policy file'
complete -c ctgated -l netns -x -a '(__ctgate_namespaces)' -d 'Network namespace'
complete -c ctgated -l runtime-dir -x -a '(__fish_complete_directories)' -d 'Directory of the control socket'
complete -c ctgated -l check -d 'Check policy, privileges and kernel, and exit'
complete -c ctgated -l debug -d 'Log more'
