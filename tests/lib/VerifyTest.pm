package VerifyTest;

# What the tests of walverify share: archives made by hand, and what walverify says of them. Brings CliTest along.
#
#   use VerifyTest;
#   my $archive = make_archive('gap', { 1 => [ 1 .. 4, 8 .. 9 ] });
#   my $found = verify($archive, '--quick');       # the JSON, as a hash

use strict;
use warnings;

use CliTest ();
use JSON::PP ();
use Test::More;
use WalSegment;
use WalTest;

my @own = qw(make_archive put_names put_history put_backup verify told gap_list);

sub import
{
	my $caller = caller;
	strict->import;
	warnings->import;
	no strict 'refs';
	*{"${caller}::$_"} = \&{"VerifyTest::$_"} for @own;
	eval "package $caller; CliTest->import; 1" or die $@;
	return;
}

my %real;    # archives that have a real segment

# Segments by timeline. Unless `real` is given only the first is one: it tells how large all are, and of the others the
# names are enough.
sub make_archive
{
	my ($name, $timelines, %option) = @_;
	my $archive = scratch($name);
	put_names($archive, $_, $timelines->{$_}, %option) for sort keys %$timelines;
	return $archive;
}

sub put_names
{
	my ($archive, $timeline, $numbers, %option) = @_;
	for my $number (@$numbers)
	{
		my $file = segment_name(%option, timeline => $timeline, number => $number) . ($option{suffix} // '');
		my $real = $option{real} || !$real{$archive}++;
		old("$archive/$file", $real ? segment(%option, timeline => $timeline, number => $number) : 'a name is enough');
	}
	return;
}

# Written an hour ago: of a gap before something new walverify waits whether it closes.
sub old
{
	my ($path, @content) = @_;
	spew($path, @content);
	utime time - 3600, time - 3600, $path;
	return $path;
}

# A timeline's history: its ancestors as [timeline, number of the segment in which it was left].
sub put_history
{
	my ($archive, $timeline, @ancestors) = @_;
	my @at = map { [ $_->[0], $_->[1] * MB + 0x1000 ] } @ancestors;
	return old(sprintf('%s/%08X.history', $archive, $timeline), history_text(@at));
}

sub put_backup
{
	my ($archive, %option) = @_;
	my $text = backup_text(%option);
	my $stop = delete $option{stop};
	my $lsn = sprintf '%X/%X', 0, ($stop // $option{number}) * MB + 312;
	$text =~ s/^STOP WAL LOCATION: \S+/STOP WAL LOCATION: $lsn/m;
	return old("$archive/" . backup_name(%option), $text);
}

# What walverify says as JSON; its exit code is $found->{code}.
sub verify
{
	my (@arguments) = @_;
	my $run = run('walverify', '--json', @arguments);
	my $found = eval { JSON::PP::decode_json($run->{out}) } // {};
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(%$found && $run->{err} eq '', "walverify @arguments answers") or diag("exit code $run->{code}: $run->{err}$run->{out}");
	return { %$found, code => $run->{code} };
}

# What it says to people.
sub told
{
	my (@arguments) = @_;
	return run('walverify', @arguments)->{out};
}

# "first-last" of each gap, those that are known in brackets.
sub gap_list
{
	my ($found) = @_;
	return join ' ', map { my $text = $_->{first} eq $_->{last} ? $_->{first} : "$_->{first}-$_->{last}";
		$_->{known} ? "($text)" : $text } @{ $found->{gaps} };
}

1;
