# A server dies while its archive is away: what it had ready is archived without it, and a recovery has all.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use Test::More;
use WalTest;

my $archive = scratch('archive');
my $primary = PgTest->new('primary', segment_mb => 1)->init;
$primary->archive_to($archive)->start;
$primary->sql('CREATE TABLE line (number int)');
my $backup = $primary->backup(scratch() . '/backup');

rename $archive, "$archive.away" or die $!;
my @ready;
for my $number (1 .. 5)
{
	$primary->sql("INSERT INTO line VALUES ($number)");
	push @ready, $primary->switch_wal;
}
$primary->sql('INSERT INTO line VALUES (6)');
my $in_use = $primary->segment;
$primary->wait_for('SELECT failed_count > 0 FROM pg_stat_archiver', 't');
my $data = $primary->data;
my $run = run({ cwd => $data }, 'walpush', '--all', $archive);
is($run->{code}, 4, 'a server that runs archives by itself') or diag($run->{err});

kill 'KILL', $primary->pid;
wait_until { !grep { (readlink "$_/cwd" // '') eq $data } glob '/proc/[0-9]*' } or die "processes of the server are left";
$primary->{started} = 0;
is_deeply([ grep { !-e "$data/pg_wal/archive_status/$_.ready" } @ready ], [], 'the server is dead, and had files ready');

$run = run({ cwd => $data }, 'walpush', '--all', $archive);
is($run->{code}, 3, 'the archive is still away');
rename "$archive.away", $archive or die $!;
$run = run({ cwd => $data }, 'walpush', '--all', $archive);
is($run->{code}, 0, 'it is back: all that was ready goes in') or diag($run->{err});
like($run->{err}, qr/has (\d+) of \1 files that were ready/, '... it says how many');
is_deeply([ grep { !-e "$archive/$_.zst" } @ready ], [], '... they are there');
like($run->{err}, qr{pg_wal/$in_use was in use and is not archived}, '... and which is not');
ok(!-e "$archive/$in_use.zst", '... is not');

my $node = PgTest->from_backup('node', $backup, segment_mb => 1);
$node->configure(archive_mode => 'off');
$node->recover(archive => $archive)->start;
$node->wait_writable;
is($node->sql('SELECT count(*) FROM line'), 5, 'a recovery has all that was ready');
$node->stop;

# As the message says.
my $other = PgTest->from_backup('other', $backup, segment_mb => 1);
system('cp', "$data/pg_wal/$in_use", $other->data . '/pg_wal/') == 0 or die;
$other->configure(archive_mode => 'off');
$other->recover(archive => $archive)->start;
$other->wait_writable;
is($other->sql('SELECT count(*) FROM line'), 6, '... and with the one that was in use, all that there was');
$other->stop;

# The server itself comes back and finds that all is archived.
$primary->start;
$primary->wait_for('SELECT count(*) FROM line', 6);
$primary->wait_archived($_) for @ready;
is($primary->archive_failures, 0, 'the server that is started again is told so');

done_testing;
