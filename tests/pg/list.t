# wallist of an archive that a real PostgreSQL has made: two timelines from one parent, a base backup on two of them, a segment that
# is lost. The server itself says what is right.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use ListTest;
use Test::More;
use WalTest;

my $archive = scratch('archive');
my $primary = PgTest->new('primary', segment_mb => 1)->init;
$primary->archive_to($archive);
$primary->start;
$primary->sql('CREATE TABLE line (what text)');
my $first_backup = $primary->backup(scratch() . '/backup1');

# Two recoveries to points of timeline 1 open timelines 2 and 3, whoever comes first.
my (%point, %node);
for my $name ('early', 'late')
{
	$primary->sql("INSERT INTO line SELECT repeat('$name', 100) FROM generate_series(1, 5000)");
	$primary->sql("SELECT pg_create_restore_point('$name')");
	$point{$name} = $primary->lsn;
	$primary->archive_segment;
}
# A segment is only switched when something is in it.
sub archive_three
{
	my ($node) = @_;
	for (1 .. 3)
	{
		$node->sql(q{INSERT INTO line VALUES ('more')});
		$node->archive_segment;
	}
	return;
}

archive_three($primary);
$primary->sql(q{INSERT INTO line VALUES ('not archived')});
my $position = $primary->lsn;
my ($file, $offset) = split /\|/, $primary->sql("SELECT file_name, file_offset FROM pg_walfile_name_offset('$position')");

for my $name ('late', 'early')
{
	my $node = $node{$name} = PgTest->from_backup($name, $first_backup, segment_mb => 1);
	$node->archive_to($archive)->recover(archive => $archive, recovery_target_name => $name, recovery_target_timeline => 1);
	$node->start;
	$node->wait_writable;
	archive_three($node);
}
my $later_backup = $node{late}->backup(scratch() . '/backup2');
$node{late}->archive_segment;
my %begun = map { $_ => $node{$_}->timeline } keys %node;
is("$begun{late} $begun{early}", '2 3', 'two timelines have forked off');

my $all      = listed($archive);
my %timeline = map { $_->{timeline} => $_ } @{ $all->{timelines} };
is(problem(run('wallist', '--json', $archive)->{out}), '', 'JSON as the schema says');
is($all->{cluster}{system_identifier}, $primary->sql('SELECT system_identifier FROM pg_control_system()'), 'whose archive it is');
is("$all->{cluster}{postgresql} $all->{cluster}{segment_size}", '15 ' . (1 << 20), 'release, size of segments');
is($all->{totals}{gaps}, 0, 'nothing is missing') or diag(run('wallist', $archive)->{out});

for my $name ('late', 'early')
{
	my ($number, $node) = ($begun{$name}, $node{$name});
	my ($said) = slurp(sprintf '%s/pg_wal/%08X.history', $node->data, $number) =~ m{^1\s+(\S+)}m;
	is_deeply($timeline{$number}{parent}, { timeline => 1, lsn => $said }, "timeline $number forked off where it says");
	is($timeline{$number}{ranges}[0]{first_segment}, $node->sql("SELECT overlay(pg_walfile_name('$said'::pg_lsn) placing lpad('$number', 8, '0') from 1 for 8)"),
		'... its first segment is the one with the fork');
}

# The base backups, as PostgreSQL has written of them.
my @backups = @{ $all->{backups} };
is(scalar @backups, 2, 'two base backups');
my @labels = map { slurp("$_/backup_label") } $first_backup, $later_backup;
for my $i (0, 1)
{
	my ($start, $segment) = $labels[$i] =~ /^START WAL LOCATION: (\S+) \(file (\w+)\)/m;
	is("$backups[$i]{start_lsn} $backups[$i]{first_segment}", "$start $segment", '... where it starts');
	my ($time) = $labels[$i] =~ /^START TIME: (.*)/m;
	is("$backups[$i]{label} $backups[$i]{start_time}", "backup $time", '... its label and time');
}
is(join(' ', map { $_->{timeline} } @{ $backups[0]{leads_to} }), '1 2 3', 'the first leads to all timelines');
is(join(' ', map { $_->{timeline} } @{ $backups[1]{leads_to} }), '2', 'the other to its own');

# A position, as the server would say; and a segment that is lost.
my $found = listed($archive, '--lsn', $position);
is("$found->{timelines}[0]{segment} $found->{offset}", "$file $offset", 'where a position is');
my $lost = sprintf '%s', $primary->sql("SELECT pg_walfile_name('$point{late}'::pg_lsn)");
unlink "$archive/$lost.zst" or die $!;
is(listed($archive, '--lsn', $point{late})->{timelines}[0]{answer}, 'missing', 'a position that is lost');
is(listed($archive)->{gaps}[0]{first_segment}, $lost, '... is a gap');
is(join(' ', map { "$_->{timeline}" . ($_->{gap} ? '!' : '') } @{ listed($archive)->{backups}[0]{leads_to} }), '1! 2 3',
	'... and ends the way to what is behind; timeline 2 begins with a copy of it');

done_testing;
