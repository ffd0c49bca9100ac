"""The programs of `following` in PHP."""

from reporting.snippets import program

CALLING = program("""
    <?php
    const API = '@API@';
    define('PAUSE', (int) (getenv('HEED_PAUSE') === false ? 5 : getenv('HEED_PAUSE'))); // seconds

    // The call was wrong; its code is the status. Trying again would not help.
    class Refused extends RuntimeException {}

    // There is no answer yet; its code is after how many seconds to try again.
    class Later extends RuntimeException {}

    // Ask once: the answer, and its Retry-After in seconds.
    function call(string $path, ?array $body = null): array
    {
        $context = stream_context_create(['http' => [
            'method' => $body === null ? 'GET' : 'POST',
            'header' => [
                'Authorization: Bearer ' . getenv('HEED_KEY'),
                'Content-Type: application/json',
            ],
            'content' => $body === null ? '' : json_encode($body, JSON_THROW_ON_ERROR),
            'timeout' => 90,
            'ignore_errors' => true,
            'follow_location' => 0,
        ]]);
        $stream = @fopen(API . $path, 'r', false, $context);
        if (!$stream) {
            throw new Later('not reached');
        }
        $headers = stream_get_meta_data($stream)['wrapper_data'];
        $answer = json_decode((string) stream_get_contents($stream), true);
        $status = (int) explode(' ', $headers[0])[1];
        $wait = 0;
        foreach ($headers as $header) {
            $wait = preg_match('/^Retry-After: *(\\d+)/i', $header, $found) ? (int) $found[1] : $wait;
        }
        if ($status >= 500 || in_array($status, [408, 429], true)) {
            throw new Later("status $status", $wait);
        }
        if ($status >= 300) {
            throw new Refused($answer['detail'] ?? $headers[0], $status);
        }
        if (!is_array($answer)) {
            throw new Later('cut off, or no JSON');
        }
        return [$answer, $wait];
    }

    // Ask until there is a whole answer; $field must be in it.
    function ask(string $path, string $field): array
    {
        for ($pause = PAUSE; ; $pause = min(2 * $pause, 300)) {
            $wait = 0;
            try {
                [$answer, $wait] = call($path);
                if (array_key_exists($field, $answer)) {
                    return [$answer, $wait];
                }
                $why = 'not an answer of Heed';
            } catch (Later $later) {
                [$why, $wait] = [$later->getMessage(), $later->getCode()];
            }
            error_log("Trying again: $why");
            sleep(max($wait, $pause));
        }
    }

    // Page by page, for ever. Keep the cursor of a page once its changes are dealt with.
    function follow(string $cursor = ''): Generator
    {
        while (true) {
            $asked_at = time();
            [$page, $wait] = ask("/changes?@FILTER@wait=30&cursor=" . urlencode($cursor), 'cursor');
            yield $page;
            $cursor = $page['cursor'];
            $is_idle = !$page['changes'] && !$page['has_more'];
            if ($is_idle && time() - $asked_at < 25) { // there was no room to wait
                sleep(max($wait, PAUSE));
            }
        }
    }
""")

FOLLOWING = program("""
    function apply(array $change): void
    {
        echo "$change[id] $change[type] $change[list] $change[address]\\n";
    }

    function keep(string $cursor): void
    {
        if (file_put_contents('heed-cursor.new', $cursor) !== strlen($cursor)) {
            throw new RuntimeException('The cursor could not be kept.');
        }
        rename('heed-cursor.new', 'heed-cursor'); // the new one or the old one, whole
    }

    function kept(): string
    {
        return is_file('heed-cursor') ? trim(file_get_contents('heed-cursor')) : '';
    }

    while (true) {
        try {
            foreach (follow(kept()) as $page) {
                array_map('apply', $page['changes']); // twice must do no harm
                keep($page['cursor']); // last: a crash repeats some changes, and skips none
            }
        } catch (Refused $refused) {
            if ($refused->getCode() !== 410) {
                throw $refused;
            }
            keep(''); // after a restore: everything once more
        }
    }
""")

COPYING = program("""
    const ONE_LIST = @NUMBER@;

    // The cursor, and a line for each suppression: the list and the digest.
    function keep(string $cursor, array $suppressed): array
    {
        ksort($suppressed);
        $text = implode("\\n", [$cursor, ...array_keys($suppressed), '']);
        if (file_put_contents('heed-copy.new', $text) !== strlen($text)) {
            throw new RuntimeException('The copy could not be kept.');
        }
        rename('heed-copy.new', 'heed-copy'); // the new one or the old one, whole
        return [$cursor, $suppressed];
    }

    function kept(): array
    {
        if (!is_file('heed-copy')) {
            return read_all();
        }
        $lines = file('heed-copy', FILE_IGNORE_NEW_LINES);
        return [$lines[0], array_fill_keys(array_slice($lines, 1), true)];
    }

    function read_all(): array
    {
        $cursor = ask('/changes?cursor=now', 'cursor')[0]['cursor']; // first of all
        $suppressed = [];
        foreach (array_unique([ONE_LIST, 0]) as $number) {
            $place = '';
            do {
                [$page] = ask("/lists/$number/suppressions?limit=10000$place", 'suppressions');
                foreach ($page['suppressions'] as $each) {
                    $suppressed["$number $each[digest]"] = true;
                }
                $place = '&cursor=' . urlencode($page['next'] ?? '');
            } while ($page['next'] !== null);
        }
        return keep($cursor, $suppressed);
    }

    function apply(array $change, array &$suppressed): void
    {
        $line = "$change[list] $change[digest]";
        if ($change['suppressed']) {
            $suppressed[$line] = true;
        } else {
            unset($suppressed[$line]);
        }
    }

    while (true) {
        try {
            [$cursor, $suppressed] = kept();
            foreach (follow($cursor) as $page) {
                foreach ($page['changes'] as $change) {
                    apply($change, $suppressed);
                }
                keep($page['cursor'], $suppressed);
            }
        } catch (Refused $refused) {
            if ($refused->getCode() !== 410) {
                throw $refused;
            }
            read_all(); // after a restore
        }
    }
""")

ASKING_COPY = program("""
    <?php
    const ONE_LIST = @NUMBER@;

    // $address as Heed writes it: an email address in lower case, +14155550123.
    function may_be_mailed(string $address, array $suppressed): bool
    {
        foreach (['sha256', 'sha1', 'md5'] as $kind) {
            $digest = substr(hash($kind, $address), 0, 32);
            if (isset($suppressed[ONE_LIST . " $digest"]) || isset($suppressed["0 $digest"])) {
                return false;
            }
        }
        return true;
    }

    $lines = file('heed-copy', FILE_IGNORE_NEW_LINES);
    if (!$lines) {
        exit(1); // no copy, no mail
    }
    $suppressed = array_flip(array_slice($lines, 1));
    foreach (array_slice($argv, 1) as $address) {
        echo $address, may_be_mailed($address, $suppressed) ? " yes\\n" : " no\\n";
    }
""")
