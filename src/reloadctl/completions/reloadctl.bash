# bash completion for reloadctl(1)

_reloadctl_apps() {
    # The names alone: bash has no JSON, and "name" is an app's first member.
    reloadctl list --json --timeout 1 2>/dev/null |
        grep -o '{"name":"[A-Za-z0-9._@-]*","state":' | cut -d '"' -f 4
}

_reloadctl_options() {
    case $1 in
    run) echo '--name --listen --workers --config --release --help' ;;
    check | version) echo '--json --help' ;;
    enable) echo '--name --restart --help' ;;
    status) echo '--json --timeout --watch --help' ;;
    list | history | events | scale | upgrade) echo '--json --timeout --help' ;;
    reload) echo '--json --timeout --release --wait --no-wait --queue --refuse --help' ;;
    stop) echo '--json --timeout --hurry --help' ;;
    logs)
        echo '--json --timeout --follow --lines --worker --revision --since --directory --help'
        ;;
    disable | help) echo '--help' ;;
    esac
}

_reloadctl() {
    local verbs='run check enable disable status list reload scale stop logs history events upgrade version help'
    local word=${COMP_WORDS[COMP_CWORD]}
    local before=${COMP_WORDS[COMP_CWORD - 1]}
    local verb=${COMP_WORDS[1]}
    local words=
    COMPREPLY=()

    if ((COMP_CWORD == 1)); then
        words="$verbs --help --version"
    else
        case $before in
        --config | -c)
            mapfile -t COMPREPLY < <(compgen -f -- "$word")
            return
            ;;
        --workers | -i) words='max max-1' ;;
        --since | -S) words='today yesterday -15min -1h -1d' ;;
        --directory | -D)
            mapfile -t COMPREPLY < <(compgen -d -- "$word")
            return
            ;;
        --name | --listen | --release | --timeout | --lines | --worker | --revision | -l | -r | -t | -n) return ;;
        *)
            if [[ $word == -* ]]; then
                words=$(_reloadctl_options "$verb")
            else
                case $verb in
                disable | status | reload | scale | stop | logs | history | events | upgrade)
                    words=$(_reloadctl_apps)
                    ;;
                help) words=$verbs ;;
                check | enable)
                    mapfile -t COMPREPLY < <(compgen -f -- "$word")
                    return
                    ;;
                run)
                    mapfile -t COMPREPLY < <(compgen -c -f -- "$word")
                    return
                    ;;
                esac
            fi
            ;;
        esac
    fi
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -o filenames -o bashdefault -F _reloadctl reloadctl
