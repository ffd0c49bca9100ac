"""The programs of `following` for the shell, with curl."""

from reporting.snippets import program

CALLING = program("""
    api='@API@'
    pause=${HEED_PAUSE:-5} # seconds

    # ask PATH FIELD: until the file "answer" is a whole answer with that field.
    # Fails with 410; whatever else is refused ends the program.
    ask() {
      longer=$pause
      while :; do
        : > headers
        status=$(printf 'Authorization: Bearer %s' "$HEED_KEY" |
          curl --silent --show-error --max-time 90 --header @- --dump-header headers \\
            --output answer --write-out '%{http_code}' "$api$1") || status=000
        after=$(tr A-Z a-z < headers | sed -n 's/^retry-after: *\\([0-9][0-9]*\\).*/\\1/p')
        case $status in
          200) grep -q "\\"$2\\":.*}" answer && return 0 ;;
          408 | 429 | 5?? | 000) ;;
          410) return 1 ;;
          *) cat answer >&2; exit 1 ;;
        esac
        echo "Trying again: status $status" >&2
        rest "$longer"
        longer=$((longer < 150 ? 2 * longer : 300))
      done
    }

    # As long as Retry-After says, and at least so many seconds.
    rest() {
      if [ "${after:-0}" -gt "$1" ]; then sleep "$after"; else sleep "$1"; fi
    }

    # follow CURSOR: the changes after it are in "answer", the next cursor in $cursor.
    follow() {
      asked_at=$(date +%s)
      ask "/changes?@FILTER@wait=30&cursor=$1" has_more || return 1
      cursor=$(sed 's/.*"cursor": *"\\([^"]*\\)".*/\\1/' answer)
    }

    # Where the answer was empty and came at once, there was no room to wait.
    rest_if_idle() {
      grep -q '"digest":' answer || grep -q '"has_more": *true' answer && return
      if [ $(($(date +%s) - asked_at)) -lt 25 ]; then rest "$pause"; fi
    }

    # A row on each line: type, list, digest, suppressed, address.
    rows() {
      awk -v RS='}, *[{]' '
        function of(name) {
          if (!match($0, "\\"" name "\\": *(\\"[^\\"]*\\"|[a-z0-9]+)")) return "-"
          text = substr($0, RSTART, RLENGTH)
          sub(/^"[a-z_]*": */, "", text)
          gsub(/"/, "", text)
          return text
        }
        /"digest":/ {
          print of("type"), of("list"), of("digest"), of("suppressed"), of("address")
        }
      ' answer
    }
""")

FOLLOWING = program("""
    cursor=$(cat heed-cursor 2> /dev/null)
    while :; do
      if follow "$cursor"; then
        rows # do what they say; twice must do no harm
      else
        cursor= # after a restore: everything once more
      fi
      # Last: a crash repeats some changes, and skips none.
      echo "$cursor" > heed-cursor.new && mv heed-cursor.new heed-cursor || exit 1
      rest_if_idle
    done
""")

COPYING = program("""
    list=@NUMBER@

    read_all() {
      ask '/changes?cursor=now' cursor || exit 1 # first of all
      cursor=$(sed 's/.*"cursor": *"\\([^"]*\\)".*/\\1/' answer)
      : > copied
      for number in $(printf '%s\\n' "$list" 0 | sort -u); do
        place=
        while :; do
          ask "/lists/$number/suppressions?limit=10000$place" suppressions || exit 1
          rows | awk -v list="$number" '{ print list, $3 }' >> copied || exit 1
          place=$(sed -n 's/.*"next": *"\\([^"]*\\)".*/\\&cursor=\\1/p' answer)
          [ "$place" ] || break
        done
      done
      keep < copied
    }

    # The cursor, and a line for each suppression: the list and the digest.
    keep() {
      { echo "$cursor" && sort -u; } > heed-copy.new && mv heed-copy.new heed-copy || exit 1
    }

    apply() {
      rows > changed || exit 1
      awk '
        FILENAME == "changed" { suppressed[$2 " " $3] = $4; next }
        FNR > 1 && !($0 in suppressed) { print }
        END { for (line in suppressed) if (suppressed[line] != "false") print line }
      ' changed heed-copy > copied || exit 1
      keep < copied
    }

    [ -f heed-copy ] || read_all
    while :; do
      if follow "$(head -n 1 heed-copy)"; then
        apply
        rest_if_idle
      else
        read_all # after a restore
      fi
    done
""")

ASKING_COPY = program("""
    list=@NUMBER@

    # Each address as Heed writes it: an email address in lower case, +14155550123.
    for address in "$@"; do
      may=yes
      for kind in sha256sum sha1sum md5sum; do
        digest=$(printf %s "$address" | $kind | cut -c 1-32)
        grep -q -e "^$list $digest$" -e "^0 $digest$" heed-copy
        [ $? -eq 1 ] || may=no # no copy, no mail
      done
      echo "$address $may"
    done
""")
