# pg_rewind -c fetches with restore_command what the old primary no longer has: by the final path, from any working directory.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use Test::More;
use WalTest;

my $archive = scratch('archive');
my $old     = PgTest->new('old', segment_mb => 1)->init;
$old->archive_to($archive)->configure(wal_log_hints => 'on', restore_command => PgTest::restore_command($archive));
$old->start;
$old->sql('CREATE TABLE line (what text)', q{INSERT INTO line VALUES ('common')});
my $new = PgTest->from_backup('new', $old->backup(scratch() . '/backup'), segment_mb => 1);
$new->follow(archive => $archive, primary => $old);
$new->start;
$old->wait_for('SELECT state FROM pg_stat_replication', 'streaming');
$new->wait_replayed($old->lsn);

# Split brain: the old primary goes on where the new one has left its timeline.
my $common = $old->segment;
$old->allow_replication(0);
$new->promote;
$new->sql('CHECKPOINT', q{INSERT INTO line VALUES ('new')});
my @lost;
for my $round (1 .. 4)
{
	$old->sql(q{INSERT INTO line VALUES ('only here')});
	push @lost, $old->archive_segment;
}
$old->sql('CHECKPOINT');
$old->stop;
$new->archive_segment;
is($new->archive_failures, 0, 'both archive, on their timelines');

# The old primary has recycled what pg_rewind must read; only the archive still has it.
is($lost[0], $common, 'its timeline goes on behind the fork');
unlink map { $old->data . "/pg_wal/$_" } @lost;

my @rewind = ('/usr/lib/postgresql/15/bin/pg_rewind', '-D', $old->data, '--source-server', $new->conninfo . ' dbname=postgres');
my $run = run({ cwd => '/' }, @rewind);
is($run->{code}, 1, 'pg_rewind alone cannot');
like($run->{err}, qr/could not (?:open file|find previous WAL record)/, 'for want of WAL');

rename $archive, "$archive.away";
$run = run({ cwd => '/' }, @rewind, '-c');
is($run->{code}, 1, 'nor with an archive that is not there');
like($run->{err}, qr/^walfetch: error: .*\Q$archive\E/m, 'and walfetch says so');
rename "$archive.away", $archive;

$run = run({ cwd => '/' }, @rewind, '-c');
is($run->{code}, 0, 'pg_rewind -c can') or diag($run->{err});
like($run->{err}, qr/Done!/, 'and is done');

$old->follow(archive => $archive, primary => $new);
$old->start_without_waiting;    # it is consistent when the new primary has written something
$new->sql(q{INSERT INTO line VALUES ('followed')});
$old->wait_for(q{SELECT string_agg(what, ' ') FROM line}, 'common new followed');
pass('the old primary follows the new one');
done_testing();
