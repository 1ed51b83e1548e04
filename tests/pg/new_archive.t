# A server that has archived before meets an empty archive: more likely a disk that is not mounted than a new archive. It archives
# nothing there until it is told to, and then goes on by itself.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use Test::More;
use WalTest;

my ($first, $second) = (scratch('first'), scratch('second'));
my $node = PgTest->new('primary', segment_mb => 1)->init;
$node->archive_to($first)->start;
$node->sql('CREATE TABLE line (what text)');
$node->archive_segment;

$node->archive_to($second)->reload;
$node->wait_for(q{SELECT setting LIKE '%second%' FROM pg_settings WHERE name = 'archive_command'}, 't');
$node->sql(q{INSERT INTO line VALUES ('refused')});
my $segment = $node->switch_wal;
$node->wait_for('SELECT failed_count > 0 FROM pg_stat_archiver', 't');
like($node->log_text, qr/^walpush: error: .*\Q$second\E.*walpush --init/m, 'the log says what to do');
is_deeply([ glob "$second/* $second/.[!.]*" ], [], 'and nothing is written');

my $run = run({ cwd => $node->data }, 'walpush', '--init', $second);
is($run->{code}, 0, 'the operator takes the archive for this cluster') or diag($run->{err});
$node->sql(q{INSERT INTO line VALUES ('archived')});
$node->archive_segment;
$node->wait_archived($segment);
ok(-e "$second/$segment.zst", 'then archiving goes on with what was refused');

# Another cluster's WAL does not get in, although no name would collide.
my $other = PgTest->new('other', segment_mb => 1)->init;
$other->archive_to($second)->start;
$other->sql('CREATE TABLE line (what text)');
my @before = glob "$second/*";
$other->switch_wal;
$other->wait_for('SELECT failed_count > 0 FROM pg_stat_archiver', 't');
like($other->log_text, qr/^walpush: error: .*system identifier/m, q{another cluster's server is refused});
is_deeply([ glob "$second/*" ], \@before, 'and nothing is written');
done_testing();
