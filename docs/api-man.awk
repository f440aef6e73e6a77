# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Makes the man page sidestep-api(5) of docs/api.md, so that the fields are written down once. Knows what that page uses:
# headings, paragraphs, tables, indented examples, `code`, [links](elsewhere).
function plain(text) {
    while (match(text, /\[[^]]*\]\([^)]*\)/)) {
        link = substr(text, RSTART, RLENGTH)
        shown = substr(link, 2, index(link, "](") - 2)
        target = substr(link, index(link, "](") + 2)
        sub(/\)$/, "", target)
        if (shown == "below" && target ~ /^#/) {
            gsub(/[#-]/, " ", target)
            shown = "see" target
        }
        text = substr(text, 1, RSTART - 1) shown substr(text, RSTART + RLENGTH)
    }
    gsub(/\\/, "\\e", text)
    gsub(/`/, "", text)
    gsub(/^ +| +$/, "", text)
    return text
}
function line(text) { text = plain(text); print (text ~ /^[.']/ ? "\\&" : "") text }
function leave() { if (in_table) print ".El"; if (in_code) print ".Ed"; in_table = in_code = 0 }
BEGIN {
    print ".\\\" SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
    print ".\\\" Made of docs/api.md by docs/api-man.awk."
    print ".Dd November 29, 2026\n.Dt SIDESTEP-API 5\n.Os Sidestep\n.Sh NAME\n.Nm sidestep-api"
    print ".Nd the API of sidestepd, and the JSON and exit codes of sidestep\n.Sh DESCRIPTION"
}
/^# / { next }
/^## / { leave(); print ".Sh " toupper(plain(substr($0, 4))); next }
/^### / { leave(); print ".Ss " plain(substr($0, 5)); next }
/^\|[- |]+\|$/ { next }
/^\|/ {
    if (!in_table) { leave(); in_table = 1; print ".Bl -tag -width Ds"; next }  # the head of the table
    cells = split($0, cell, "|")
    print ".It " plain(cell[2])
    text = ""
    for (i = 3; i < cells; i++) {
        part = plain(cell[i])
        if (part != "") text = text (text == "" ? "" : "; ") part
    }
    line(text == "" ? "\\&" : text)
    next
}
/^    / { if (!in_code) { leave(); in_code = 1; print ".Bd -literal -offset indent" } print substr($0, 5); next }
/^$/ { leave(); if (!blank) print ".Pp"; blank = 1; next }
{ leave(); line($0) }
{ blank = 0 }
END { leave(); print ".Sh SEE ALSO\n.Xr sidestep 8 ,\n.Xr sidestepd 8" }
