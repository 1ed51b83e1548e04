package PgStage;

# Where tests with a real PostgreSQL run: which PostgreSQL, and as whom. For PgTest.
#
# PostgreSQL refuses to run as root. A test started by root copies what it needs (the programs under test, tests/lib, the
# schemas, itself) into its scratch directory, since the user nobody may be unable to read the repository, and starts itself
# again as that user.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More ();
use WalTest;

my $debian = '/usr/lib/postgresql/15/bin';

sub clients { return $debian }

# Comes back in a process that can run these majors; or skips the whole test, when there is only one and it cannot be had; or
# not at all: as root the test begins anew.
sub prepare
{
	my ($majors, $programs) = @_;
	return if $ENV{TEST_STAGED};
	provide($_) for @$majors;
	Test::More::plan(skip_all => why_not($majors->[0])) if @$majors == 1 && !have_major($majors->[0]);
	start_again_as_nobody(@$programs) if $> == 0;
	return;
}

# ---- which PostgreSQL

# The environment remembers where each major is, or why it is not, for the run as nobody.
sub provide
{
	my ($major) = @_;
	my $name = "TEST_PG_$major";
	if ($major == 15)
	{
		-x "$debian/postgres" or die "$debian/postgres is not there: run scripts/setup\n";
		$ENV{$name} = $debian;
		return;
	}
	my $run = run({ timeout => 600 }, repository() . '/scripts/fetch-postgres', $major);
	chomp(my $reason = $run->{err});
	die "scripts/fetch-postgres $major: $reason\n" if $run->{code} != 0 && $run->{code} != 75;
	chomp(my $bin = $run->{out});
	$ENV{$name} = $run->{code} == 0 ? $bin : 'not here: ' . (split /\n/, $reason)[-1];
	return;
}

sub bin { return $ENV{"TEST_PG_$_[0]"} }

sub have_major { return ($ENV{"TEST_PG_$_[0]"} // '') =~ m{^/} }

sub why_not { return "PostgreSQL $_[0] is " . $ENV{"TEST_PG_$_[0]"} }

# ---- as an unprivileged user

sub start_again_as_nobody
{
	my @extra = @_;
	my $root  = scratch();
	my $test  = 'tests/' . basename(dirname(abs_path($0))) . '/' . basename($0);
	my $bin   = dirname(program('walpush'));
	copy_to(scratch('build'), $bin);
	rename "$root/build/" . basename($bin), "$root/build/bin" if basename($bin) ne 'bin';
	copy_to(scratch('build/tests'), map { program($_) } @extra) if @extra;
	copy_to(scratch('tests'), repository() . '/tests/lib');
	copy_to(scratch('man'), glob repository() . '/man/*.schema.json');
	copy_to(scratch(dirname($test)), abs_path($0));
	for my $name (grep { /^TEST_PG_/ && have_major(substr $_, 8) } keys %ENV)
	{
		$ENV{$name} = where_nobody_reads($ENV{$name});
	}

	my @nobody = as_nobody();
	system('chown', '-R', 'nobody:nogroup', $root) == 0 or die 'chown failed';
	$ENV{TEST_BIN}     = "$root/build/bin";
	$ENV{TEST_SCRATCH} = $root;
	$ENV{TEST_STAGED}  = 1;
	$ENV{HOME}         = $root;
	chdir $root or die "$root: $!";
	$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
	exec @nobody, $^X, "$root/$test" or die "setpriv: $!";
}

sub as_nobody { return qw(setpriv --reuid=nobody --regid=nogroup --clear-groups) }

sub copy_to
{
	my ($to, @from) = @_;
	system('cp', '-a', '--', @from, $to) == 0 or die "cannot copy @from to $to\n";
	return;
}

# A PostgreSQL below a directory that only root may enter is copied too.
sub where_nobody_reads
{
	my ($bin) = @_;
	my @nobody = as_nobody();
	return $bin if system("@nobody test -x '$bin/postgres' 2>/dev/null") == 0;
	my $major = basename(dirname($bin));
	copy_to(scratch('postgres'), dirname($bin));
	return scratch() . "/postgres/$major/bin";
}

1;
