# bash completion for sidestep(8)                          -*- shell-script -*-
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

_sidestep_sessions() {
    sidestep "${node[@]}" sessions 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_sidestep() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command="" words="" i
    local node=()
    local commands="status sessions policies routing events why show top session drain undrain fail reload diff doctor measure init exporter check replay compute explain coverage"
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
            --node | --socket | --run-dir)
                node+=("${COMP_WORDS[i]}" "${COMP_WORDS[i + 1]}")
                ((i++))
                ;;
            -*) ;;
            *)
                command=${COMP_WORDS[i]}
                break
                ;;
        esac
    done
    case $prev in
        --node)
            for i in "${SIDESTEP_RUN_DIR:-/run/sidestep}"/*.sock; do
                [ -S "$i" ] && words+=" $(basename "$i" .sock)"
            done
            COMPREPLY=($(compgen -W "$words" -- "$cur"))
            return
            ;;
        --session)
            COMPREPLY=($(compgen -W "$(_sidestep_sessions)" -- "$cur"))
            return
            ;;
        --socket | --run-dir | --topology | --textfile | --config)
            COMPREPLY=($(compgen -f -- "$cur"))
            return
            ;;
    esac
    case $command in
        "") words="$commands --node --socket --run-dir --version --help" ;;
        events) words="--follow --no-retry --since --session --json --help" ;;
        session)
            if [ "$prev" = session ]; then
                words=$(_sidestep_sessions)
            else
                words="up down remove --json"
            fi
            ;;
        drain | undrain | fail)
            words="$(_sidestep_sessions) --dry-run --json --help"
            [ "$command" = undrain ] || words+=" --force"
            [ "$command" = fail ] && words+=" --for"
            ;;
        top)
            words="--interval --sort --filter --batch --count --help"
            [ "$prev" = --sort ] && words="state rtt loss downs name"
            ;;
        show) words="bfd peers brief counters json --json --help" ;;
        reload) words="--dry-run --json --help" ;;
        diff | check | replay)
            words="--json --help"
            [ "$command" = check ] && words+=" --interfaces"
            COMPREPLY=($(compgen -f -- "$cur"))
            ;;
        doctor) words="--config --node --run-dir --quiet --json --help" ;;
        measure) words="--segments --from --count --interval --wait --size --port --traffic-class --config --json --help" ;;
        init) words="--topology --node --help" ;;
        exporter) words="--listen --textfile --every --node --run-dir --help" ;;
        compute | explain | coverage) words="--topology --isis --node --disjoint --json --help" ;;
        *) words="--json --help" ;;
    esac
    COMPREPLY+=($(compgen -W "$words" -- "$cur"))
}
complete -o filenames -F _sidestep sidestep
