# walverify over what real servers have archived, in a directory; --deep against pg_waldump.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/../lib";
use PgTest major => 15;
use DirectoryArchive;
use Test::More;
use VerifyScenario;
use WalTest;

my $pg_waldump = '/usr/lib/postgresql/15/bin/pg_waldump';
my $scenario   = VerifyScenario->new(archive => DirectoryArchive->new('archive'));
against_pg_waldump();
$scenario->everything;

# Timeline 1 as plain files, an archive that cp might have made: nothing but the WAL's own structure tells whether it is whole.
sub against_pg_waldump
{
	my $plain = scratch('plain');
	my @segments = map { m{^([0-9A-F]{24})\.zst$} && $1 lt '00000002' ? $1 : () } $scenario->{archive}->objects;
	spew("$plain/$_", run('zstd', '-q', '-dc', $scenario->{archive}->path . "/$_.zst")->{out}) for @segments;
	cmp_ok(scalar @segments, '>', 8, 'there are segments to look at');
	both_find('whole', $plain, @segments);
	my ($crossed) = grep { reaches_in("$plain/$_") } @segments[ 1 .. $#segments ];
	flip("$plain/$crossed", 8 * 50);
	is(verify_plain($plain)->{code}, 0, 'a record that crosses a border is no matter of the segment alone');
	both_find('not whole', $plain, @segments);
	flip("$plain/$crossed", 8 * 50);
	my $other = $segments[4];
	unlink "$plain/$other";
	is(verify_plain($plain, '--deep')->{gaps}[0]{first}, $other, 'a segment that is missing');
	return;
}

sub verify_plain
{
	my ($plain, @options) = @_;
	return $scenario->verify(DirectoryArchive->at($plain), @options);
}

sub both_find
{
	my ($verdict, $plain, @segments) = @_;
	my $oracle = run($pg_waldump, '-q', '-p', $plain, @segments[ 0, -1 ]);
	is($oracle->{code} == 0 ? 'whole' : 'not whole', $verdict, "pg_waldump: $verdict") or diag($oracle->{err});
	for my $jobs (1, 50)    # with many, each segment is a job, which begins with a look at the one before
	{
		my $found = verify_plain($plain, '--deep', "--jobs=$jobs");
		is($found->{whole} ? 'whole' : 'not whole', $verdict, "--deep --jobs=$jobs: $verdict")
		  or diag(map { "$_->{object}: $_->{problem}\n" } @{ $found->{damaged} });
	}
	return;
}

# How many bytes of a record of the segment before does it begin with? Enough for the bit that is flipped.
sub reaches_in { return unpack('x16 L', slurp($_[0])) > 64 }

sub flip
{
	my ($file, $bit) = @_;
	my $content = slurp($file);
	vec($content, $bit, 1) ^= 1;
	spew($file, $content);
	return;
}
