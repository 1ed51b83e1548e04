# Two standbys on one archive, each with its own archive_cleanup_command. One is stopped for a while: what it needs stays, and from the
# archive alone it comes after.

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
$primary->sql('CREATE TABLE line (what int)');
my $backup = $primary->backup(scratch() . '/backup');
my ($quick, $slow) = map { standby($_) } qw(a b);
my $written = 0;

work(3);
follow($_) for $quick, $slow;
is(join(' ', map { s{.*/}{}r } sort glob "$archive/.waltools/standby/*"), 'a b', 'both have recorded themselves');

# ---- one stands still

my $needed = needed_by('b');
$slow->stop;
my @before = segments();
work(6);
follow($quick);
cmp_ok(needed_by('a'), 'gt', $needed, 'the other goes on') or diag($quick->log_tail);
is(join(' ', grep { $_ lt $needed } segments()), '', 'what neither needs has gone');
is(join(' ', grep { $_ ge $needed } @before), join(' ', grep { $_ ge $needed && $_ le $before[-1] } segments()), 'what the one that stands still needs is all there');
is(run('walclean', '-n', $archive, needed_by('a'))->{out}, '', 'whoever cleans');
cmp_ok(scalar(() = run('/usr/lib/postgresql/15/bin/pg_archivecleanup', '-n', '-x', '.zst', $archive, needed_by('a'))->{out} =~ /\n/g), '>=', 4,
	'... though its own restart point would let it go');

# ---- it comes back

$slow->start;
$slow->wait_for('SELECT count(*) FROM line', $written);
pass('it comes after, from the archive');
follow($_) for $slow, $quick;
cmp_ok(needed_by('b'), 'gt', $needed, '... and tells so');
my ($least) = sort map { needed_by($_) } qw(a b);
is((segments())[0], $least, 'then what both have read has gone');
unlike($_->log_text, qr/archive_cleanup_command.*failed|walclean: error/, $_->name . ': every call went well') for $quick, $slow;
done_testing();

sub standby
{
	my ($name) = @_;
	my $node = PgTest->from_backup($name, $backup, segment_mb => 1);
	$node->follow(archive => $archive, cleanup => PgTest::command('walclean', $archive, ["--standby=$name"], '%r'));
	return $node->start;
}

# So many segments, with a checkpoint in each that a standby may restart from.
sub work
{
	my ($segments) = @_;
	for (1 .. $segments)
	{
		$primary->sql('INSERT INTO line VALUES (' . ++$written . ')', 'CHECKPOINT');
		$primary->archive_segment;
	}
	return;
}

# The standby reads all that there is, and makes a restart point, at whose end it cleans.
sub follow
{
	my ($node) = @_;
	$node->wait_for('SELECT count(*) FROM line', $written);
	$node->sql('CHECKPOINT');
	return;
}

sub segments { return map { m{/(\w{24})\.zst$} } sort glob "$archive/0*" }

sub needed_by
{
	my ($name) = @_;
	my ($record) = reverse sort glob "$archive/.waltools/standby/$name/*";
	return slurp($record) =~ /^segment=(\w+)$/m ? $1 : die "$record says nothing";
}
