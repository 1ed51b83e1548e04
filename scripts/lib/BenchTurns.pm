package BenchTurns;

# The candidates take turns, so that a noisy minute hits all alike. Those that cannot run here are skipped aloud.
#
# Of a candidate, a hash, these are used: {name}; {needs}, the programs without which it is skipped; {once}, one round is
# enough, for what is slow; {ours}, it must not fail. {skip}, the reason, is added.

use strict;
use warnings;

use BenchShell;
use Exporter qw(import);

our @EXPORT = qw(choose take_turns skip);

# Those asked for; those that lack a program are marked.
sub choose
{
	my @candidates = @_;
	my $wanted     = setting('only', '.');
	my @chosen     = grep { $_->{name} =~ /$wanted/ } @candidates;
	for my $candidate (@chosen)
	{
		my @missing = missing_programs(split / /, $candidate->{needs} // '');
		$candidate->{skip} = "no @missing here" if @missing;
	}
	return @chosen;
}

# Calls `run` with each candidate in each round.
sub take_turns
{
	my ($rounds, $candidates, $run) = @_;
	for my $round (1 .. $rounds)
	{
		for my $candidate (@$candidates)
		{
			next if $candidate->{skip} || ($candidate->{once} && $round > 1);
			note("round $round of $rounds: $candidate->{name}");
			eval { $run->($candidate); 1 } or skip($candidate, $@);
		}
	}
	note('');
	return;
}

# A candidate of ours that fails is an error; one of the others may be set up in a way that is not foreseen here.
sub skip
{
	my ($candidate, $reason) = @_;
	fail("$candidate->{name}: $reason") if $candidate->{ours};
	chomp($candidate->{skip} = $reason);
	return;
}

1;
