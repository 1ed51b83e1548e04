package StorageListTest;

# What a list of a storage tells, the same for each kind. The test makes an archive of these files, then it is listed:
#
#   use StorageListTest;
#   my $files = files();                               # path => size
#   lists_files('s3', $from, $until, 's3://wal/list'); # written in between; options may stand before the location

use strict;
use warnings;

use Exporter qw(import);
use Test::More;
use WalTest;

our @EXPORT = qw(files listed lists_files);

# Path => size. Of the directories some sort before their neighbours with a slash, and behind them without.
my %files = (
	'alpha'            => 0,
	'alpha.zst'        => 3,
	'beta'             => 70_000,
	'dir/one'          => 5,
	'dir/two'          => 6,
	'dir/sub/three'    => 7,
	'dir/sub-b/four'   => 8,
	'dir.d/five'       => 9,
	'with space/a b'   => 10,
	'zeta'             => 1,
);

sub files { return \%files }

# Entries as "d NAME" and "f NAME SIZE"; their times.
sub listed
{
	my (@arguments) = @_;
	my $run = run(program('storagelist'), @arguments);
	return ("exit code $run->{code}: $run->{err}") if $run->{code} != 0 || $run->{err} ne '';
	return map { /^(.) (\d+) (\d+) (.*)$/ ? { kind => $1, size => $2, time => $3, name => $4 } : { name => $_, kind => '?' } }
	  split /\n/, $run->{out};
}

sub told
{
	my ($kind, @entries) = @_;
	return join ' | ', map { ref $_ ? "$_->{name}" . ($_->{size} ? " $_->{size}" : '') : $_ } grep { !ref $_ || $_->{kind} eq $kind } @entries;
}

sub lists_files
{
	my ($title, $from, $until, @archive) = @_;
	my @all = listed(@archive, 'ds');
	is(told('f', @all), 'alpha | alpha.zst 3 | beta 70000 | zeta 1', "$title: objects, in order, with their sizes");
	is(join(' ', sort map { $_->{name} } grep { ref $_ && $_->{kind} eq 'd' } @all), 'dir dir.d with space', '... and directories');
	is(join(' ', map { $_->{name} } grep { $_->{time} < $from || $_->{time} > $until } grep { $_->{kind} eq 'f' } @all), '',
		'... and when they were written');
	is(told('f', listed(@archive, '-')), 'alpha | alpha.zst | beta | zeta', 'without details, no sizes');
	is(told('d', listed(@archive, '-')), '', '... nor directories that are not asked for');
	is(told('f', listed(@archive, 'd', 'dir')), 'one 5 | two 6', 'in a directory');
	is(told('d', listed(@archive, 'd', 'dir')), '', '... not those below it');
	is(join(' ', sort split / \| /, told('d', listed(@archive, 's', 'dir'))), 'sub sub-b', '... unless asked for');
	is(told('f', listed(@archive, 's', 'dir')), 'one | two', '... beside its objects, and not theirs');
	is(told('f', listed(@archive, 's', 'dir/sub')), 'three', 'in one below');
	is(told('f', listed(@archive, 's', 'with space')), 'a b', 'names with a space');
	is(told('f', listed(@archive, 'ds', '', 'alpha')), 'alpha | alpha.zst 3', 'by a prefix');
	is(join(' ', sort split / \| /, told('d', listed(@archive, 's', '', 'dir'))), 'dir dir.d', '... directories too');
	is(told('f', listed(@archive, 'ds', '', '', 'alpha.zst')), 'beta 70000 | zeta 1', 'behind a name');
	is(told('d', listed(@archive, 's', '', '', 'dir.d')), 'with space', '... directories too');
	is(scalar(my @some = listed(@archive, 'ds2')), 2, 'no more than is wanted');
	is(scalar(my @none = listed(@archive, 'ds', 'nowhere')), 0, 'nothing where there is nothing');
	return;
}

1;
