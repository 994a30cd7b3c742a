# fish completion for reloadctl(1)

function __reloadctl_apps
    # The names alone: "name" is an app's first member.
    reloadctl list --json --timeout 1 2>/dev/null |
        string match -ra '{"name":"[A-Za-z0-9._@-]*","state":' | string split -f 4 '"'
end

function __reloadctl_is
    set -l words (commandline -opc)
    test (count $words) -ge 2; and contains -- $words[2] $argv
end

set -l talk status list reload scale stop logs history events upgrade
set -l of_app disable status reload scale stop logs history events upgrade

complete -c reloadctl -n 'not __reloadctl_is run check enable' -f

complete -c reloadctl -n __fish_use_subcommand -a run -d 'run a server in the foreground'
complete -c reloadctl -n __fish_use_subcommand -a check -d 'say what is wrong with a configuration'
complete -c reloadctl -n __fish_use_subcommand -a enable -d 'put a configuration in place, and run it as a service'
complete -c reloadctl -n __fish_use_subcommand -a disable -d 'stop a service, and remove its configuration'
complete -c reloadctl -n __fish_use_subcommand -a status -d 'show how an app is and what it waits for'
complete -c reloadctl -n __fish_use_subcommand -a list -d 'list the apps'
complete -c reloadctl -n __fish_use_subcommand -a reload -d 'roll a new release in, worker by worker'
complete -c reloadctl -n __fish_use_subcommand -a scale -d 'run N workers from now on'
complete -c reloadctl -n __fish_use_subcommand -a stop -d 'drain all workers and end the app'
complete -c reloadctl -n __fish_use_subcommand -a logs -d 'show what the workers wrote'
complete -c reloadctl -n __fish_use_subcommand -a history -d 'list the revisions and what became of them'
complete -c reloadctl -n __fish_use_subcommand -a events -d 'write each change as a line of JSON'
complete -c reloadctl -n __fish_use_subcommand -a upgrade -d 'have an upgraded reloadd take over, with all workers'
complete -c reloadctl -n __fish_use_subcommand -a version -d 'show the version'
complete -c reloadctl -n __fish_use_subcommand -a help -d 'explain a verb, or list them'

complete -c reloadctl -n "__reloadctl_is $of_app" -a '(__reloadctl_apps)'
complete -c reloadctl -n '__reloadctl_is help' \
    -a 'run check enable disable status list reload scale stop logs history events upgrade version'

complete -c reloadctl -s h -l help -d 'show help'
complete -c reloadctl -n "__reloadctl_is check version $talk" -s j -l json -d 'write JSON'
complete -c reloadctl -n "__reloadctl_is $talk" -s t -l timeout -x -d 'wait no longer than this'
complete -c reloadctl -n '__reloadctl_is status' -s w -l watch -d 'go on showing it'
complete -c reloadctl -n '__reloadctl_is run reload' -s r -l release -x -d label
complete -c reloadctl -n '__reloadctl_is reload' -l wait -d 'wait for the outcome'
complete -c reloadctl -n '__reloadctl_is reload' -l no-wait -d 'return when it is accepted'
complete -c reloadctl -n '__reloadctl_is reload' -l queue -d 'after the rollout that is under way'
complete -c reloadctl -n '__reloadctl_is reload' -l refuse -d 'not while a rollout is under way'
complete -c reloadctl -n '__reloadctl_is stop' -l hurry -d 'kill instead of draining'
complete -c reloadctl -n '__reloadctl_is logs' -s f -l follow -d 'go on with new lines'
complete -c reloadctl -n '__reloadctl_is logs' -s n -l lines -x -d 'the newest lines'
complete -c reloadctl -n '__reloadctl_is logs' -l worker -x -d 'of this slot alone'
complete -c reloadctl -n '__reloadctl_is logs' -l revision -x -d 'of this revision alone'
complete -c reloadctl -n '__reloadctl_is logs' -s S -l since -x -d 'from then on' \
    -a 'today yesterday -15min -1h -1d'
complete -c reloadctl -n '__reloadctl_is logs' -s D -l directory -x -d 'of the journal files there' \
    -a '(__fish_complete_directories)'
complete -c reloadctl -n '__reloadctl_is run enable' -l name -x -d 'the name of the app'
complete -c reloadctl -n '__reloadctl_is enable' -l restart -d 'stop and start it, its listeners too'
complete -c reloadctl -n '__reloadctl_is run' -s l -l listen -x -d 'listen here'
complete -c reloadctl -n '__reloadctl_is run' -s i -l workers -x -a 'max max-1' -d 'how many workers'
complete -c reloadctl -n '__reloadctl_is run' -s c -l config -r -F -d configuration
