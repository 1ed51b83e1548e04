#!/usr/bin/perl
# wallist where rsync reaches: the same as of a directory, in few runs.

use FindBin;
use lib "$FindBin::Bin/../lib";
use ListTest;
use RsyncTest;

my @objects   = scenario();
my $directory = made_archive('archive', @objects);
my $expected  = listed($directory);

# At the daemon, so far.
sub runs_of_rsync { return scalar(my @all = rsync_daemon()->log =~ /rsync (?:to|on) /g) }

for my $kind (kinds())
{
	my $archive = archive($kind, 'main');
	put_object($archive->{directory}, @$_) for @objects;
	my ($location, @options) = (reverse(at($archive)));
	my $before = $kind eq 'daemon' ? runs_of_rsync() : 0;
	my $all = listed($location, @options);
	my $runs = $kind eq 'daemon' ? runs_of_rsync() - $before : 0;
	is_deeply(timeless($all), timeless($expected), "$kind: the same as of a directory");
	is($all->{totals}{$_}, $expected->{totals}{$_}, "... $_") for qw(oldest newest wal_bytes_per_day);
	is($all->{archive}{location}, $location, '... but for the place');
	my $small = grep { $_->[0] =~ /history|backup/ } @objects;
	cmp_ok($runs, '<=', $small + 6, '... in few runs of rsync') if $kind eq 'daemon';
	my $run = run('wallist', '-l', @options, $location);
	is($run->{out}, run('wallist', '-l', $directory)->{out}, '... --long');
	my $own = archive($kind, 'own');
	run('walpush', at($own), next_segment(data_directory('server')));
	my $ours = listed($own->{location}, @{ $own->{options} });
	is("$ours->{archive}{identity} $ours->{totals}{segments} $ours->{totals}{others}", '1 1 0', '... one of ours');
	is(listed($location, @options, '--lsn=0/1400000')->{timelines}[2]{answer}, 'there', '... --lsn');
}

done_testing;
