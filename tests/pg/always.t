# archive_mode=always: primary and standbys push the same files into the same archive, and nobody fails.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use Test::More;
use WalTest;

my $archive = scratch('archive');
my $primary = PgTest->new('primary', segment_mb => 1)->init;
$primary->archive_to($archive, mode => 'always')->start;
$primary->sql('CREATE TABLE line (what text)');
my $backup = $primary->backup(scratch() . '/backup');

# One that streams, and pushes while the primary does.
my $streaming = PgTest->from_backup('streaming', $backup, segment_mb => 1);
$streaming->follow(archive => $archive, primary => $primary);
$streaming->start;
$primary->wait_for('SELECT state FROM pg_stat_replication', 'streaming');
my @segments;
for my $round (1 .. 12)
{
	$primary->sql("INSERT INTO line VALUES ('round $round')");
	push @segments, $primary->switch_wal;
}
$streaming->wait_replayed($primary->lsn);
for my $segment (@segments)
{
	$_->wait_archived($segment) for $primary, $streaming;
}
pushed_by($_, scalar @segments) for $primary, $streaming;
is_whole($primary, @segments);

# It is promoted: a history file and a partial segment more.
my $partial = $primary->segment . '.partial';
$primary->sql(q{INSERT INTO line VALUES ('not archived')});
$streaming->wait_replayed($primary->lsn);
$primary->crash;
$streaming->promote;
$streaming->wait_archived($_) for '00000002.history', $partial;
$streaming->sql(q{INSERT INTO line VALUES ('timeline 2')});
push @segments, $streaming->archive_segment;
pushed_by($streaming, @segments + 2);
is_whole($streaming, '00000002.history', $partial, $segments[-1]);

# One that restores everything, and pushes it all again, the history file included.
my $restoring = PgTest->from_backup('restoring', $backup, segment_mb => 1);
$restoring->follow(archive => $archive);
$restoring->start;
$restoring->wait_for(q{SELECT count(*) FROM line WHERE what = 'timeline 2'}, 1);
$restoring->wait_archived($_) for '00000002.history', @segments;
pushed_by($restoring, 1 + @segments);
is_whole($restoring, '00000002.history', @segments);

opendir my $dir, $archive or die "$archive: $!";
my $object    = qr/^[0-9A-F]{24}(?:\.partial|\.[0-9A-F]{8}\.backup)?\.zst$|^[0-9A-F]{8}\.history\.zst$/;
my @strangers = grep { !/^\.\.?$|^\.waltools$/ && !/$object/ } readdir $dir;
is_deeply(\@strangers, [], 'nothing else is in the archive');
done_testing();

# At least so many files, and none failed.
sub pushed_by
{
	my ($node, $files) = @_;
	$node->wait_for("SELECT archived_count >= $files FROM pg_stat_archiver", 't');
	is($node->archive_failures, 0, $node->name . ": archive_command never failed") or diag($node->log_tail);
	return;
}

sub is_whole
{
	my ($node, @names) = @_;
	my @wrong = grep {
		run('zstd', '-q', '-dc', "$archive/$_.zst")->{out} ne slurp($node->data . "/pg_wal/$_")
	} @names;
	is_deeply(\@wrong, [], 'what is in the archive is what ' . $node->name . ' has');
	return;
}
