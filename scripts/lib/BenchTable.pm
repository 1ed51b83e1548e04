package BenchTable;

# What was measured, as tables and verdicts. What a candidate holds is said in BenchArchiver and where a part adds to it.

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(max sum);
use POSIX ();

our @EXPORT = qw(print_table print_verdict compare_rates segments_per_second median per_segment);

# By heading: how wide, and what of a candidate.
my %column = (
	'durable'   => [ '%-11s',  sub { $_[0]{durable} } ],
	'checked'   => [ '%-11s',  sub { $_[0]{checked} } ],
	'seg/s'     => [ '%7.2f',  \&segments_per_second ],
	'MiB/s'     => [ '%7.1f',  sub { $_[0]{raw} * @{ $_[0]{wall} } / 2**20 / (sum(@{ $_[0]{wall} }) / 1000) } ],
	'median ms' => [ '%9.1f',  \&median ],
	'p99 ms'    => [ '%8.1f',  sub { percentile(99, @{ $_[0]{wall} }) } ],
	'CPU ms'    => [ '%7.1f',  sub { 1000 * per_segment($_[0], sum @{ $_[0]{cpu} }) } ],
	'MiB mem'   => [ '%7.1f',  sub { $_[0]{memory} } ],
	'MiB size'  => [ '%8.1f',  sub { $_[0]{stored} ? $_[0]{stored} / 2**20 : undef } ],
	'MiB sent'  => [ '%8.2f',  sub { $_[0]{sent} ? per_segment($_[0], $_[0]{sent}) / 2**20 : undef } ],
	'ratio'     => [ '%6.2f',  sub { $_[0]{stored} ? $_[0]{raw} / $_[0]{stored} : undef } ],
	'requests'  => [ '%8.2f',  sub { per_segment($_[0], $_[0]{requests}) } ],
);

# A line for each candidate that has been measured or skipped.
sub print_table
{
	my ($title, $headings, @candidates) = @_;
	printf "\n%-30s", $title;
	print map({ ' ' . cell($_, $_) } @$headings), "\n";
	for my $candidate (@candidates)
	{
		printf "%-30s skipped: %s\n", $candidate->{name}, $candidate->{skip} if $candidate->{skip};
		next if $candidate->{skip} || !$candidate->{wall};
		printf '%-30s', $candidate->{name};
		print map({ ' ' . cell($_, $column{$_}[1]->($candidate)) } @$headings), "\n";
	}
	return;
}

# A heading, or what stands below it. There may be nothing to say.
sub cell
{
	my ($heading, $value) = @_;
	my $format = $column{$heading}[0];
	$format =~ s/[.]\d+f|f/s/ if !defined $value || $value eq $heading;
	return sprintf $format, $value // '';
}

# ---- numbers

sub segments_per_second { my ($candidate) = @_; return 1000 / per_segment($candidate, sum @{ $candidate->{wall} }) }

sub median { my ($candidate) = @_; return percentile(50, @{ $candidate->{wall} }) }

# A sum over all commands, for one of them.
sub per_segment { my ($candidate, $sum) = @_; return $sum / @{ $candidate->{wall} } }

# The smallest value that this share of all does not exceed.
sub percentile
{
	my ($percent, @values) = @_;
	my @sorted = sort { $a <=> $b } @values;
	return $sorted[ max(0, POSIX::ceil(@sorted * $percent / 100) - 1) ];
}

# ---- verdicts

sub print_verdict
{
	my ($holds, $what) = @_;
	printf "%-6s %s\n", $holds ? 'ok' : 'MISSED', $what;
	return;
}

# Holds when ours reaches so many times the segments/s of theirs. Nothing is said when one of them was not measured.
sub compare_rates
{
	my ($our, $their, $wanted, $where) = @_;
	return if grep { !$_ || $_->{skip} || !$_->{wall} } $our, $their;
	my $ratio = segments_per_second($our) / segments_per_second($their);
	print_verdict($ratio >= $wanted,
		sprintf '%s%s: %.2f times the segments/s of %s (wanted: %.2f); by the median call %.2f times',
		$our->{name}, $where // '', $ratio, $their->{name}, $wanted, median($their) / median($our));
	return;
}

1;
