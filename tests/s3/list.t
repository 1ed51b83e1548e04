#!/usr/bin/perl
# wallist of a bucket: the same as of a directory, in few requests, and no segment is fetched.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CephGateway;
use FaultProxy;
use ListTest;
use S3Test;

my $gateway = CephGateway->start;
my $proxy   = FaultProxy->start($gateway);
my $bucket  = $gateway->bucket('wal');
act_as($gateway, endpoint => $proxy->endpoint);

my @objects   = scenario();
my $directory = made_archive('archive', @objects);

# The same objects below a prefix, put by a few processes at once.
sub fill
{
	my ($prefix, @objects) = @_;
	my $client = $gateway->client;
	my @children;
	for my $part (0 .. 3)
	{
		my $pid = fork() // die "fork: $!";
		if ($pid == 0)
		{
			for my $i (grep { $_ % 4 == $part } 0 .. $#objects)
			{
				my ($key, undef, $content) = @{ $objects[$i] };
				$client->put($bucket, "$prefix/$key", $content // 'x' x 1000);
			}
			POSIX::_exit(0);
		}
		push @children, $pid;
	}
	for (@children)
	{
		waitpid $_, 0;
		die 'objects could not be put' if $?;
	}
	return "s3://$bucket/$prefix";
}

# What a command asked the server for, since the last call: "GET key" and "LIST".
my $seen = 0;

sub asked
{
	my @requests = $proxy->requests;
	my @new = @requests[ $seen .. $#requests ];
	$seen = @requests;
	return map { $_->{path} =~ /list-type/ ? 'LIST' : "$_->{method} " . $_->{path} =~ s/\?.*//r } @new;
}

my $archive = fill('main', @objects);
asked();
my $all = listed($archive);
my @asked = asked();
is_deeply(timeless($all), timeless(listed($directory)), 'the same as of a directory');
is($all->{archive}{location}, $archive, '... but for the place');
like($all->{totals}{newest}, qr/^20\d\d-/, '... with times');
my @segments = grep { m{/[0-9A-F]{24}(?:\.(?!\d)|$)} } grep { /^GET/ } @asked;
is(scalar @segments, 1, '... the beginning of one segment is read') or diag(join "\n", @asked);
my $small = grep { $_->[0] =~ /history|backup/ } @objects;
is(scalar(grep { /history|backup/ } @asked), $small, '... and each history and backup history file, once');
cmp_ok(scalar(@asked), '<=', $small + 6, '... of few requests') or diag(join "\n", @asked);

listed($archive, '--lsn=0/500000', '--timeline=1');
cmp_ok(scalar(@asked = asked()), '<=', $small + 7, '--lsn: one more') or diag(join "\n", @asked);
is(join(' ', map { $_->{key} } listed_lines($archive)), join(' ', map { $_->{key} } listed_lines($directory)), '--long');
unlike(join("\n", asked()), qr/history|backup/, '... reads no history');

{
	my @many = ([ segment_name(number => 0), 0, segment(number => 0, end => 'switch') ], map { [ segment_name(number => $_) . '.zst', 0, 'x' ] } 1 .. 1500);
	my $long = fill('many', @many);
	asked();
	is(listed($long)->{totals}{segments}, 1501, '1,501 segments');
	cmp_ok(scalar(@asked = asked()), '<=', 7, '... in few requests') or diag(join "\n", @asked);
}

{
	my $server = data_directory('server');
	run('walpush', "s3://$bucket/own", next_segment($server)) for 1, 2;
	my $own = listed("s3://$bucket/own");
	is("$own->{archive}{identity} $own->{totals}{segments} $own->{totals}{others}", '1 2 0', 'one of ours: its own files are no others');
}

refuses('a bucket that is not there', { code => 3 }, 'wallist', 's3://nowhere/main');
refuses('a prefix with nothing below it', { code => 3, like => qr/holds no WAL/ }, 'wallist', "s3://$bucket/nothing");

done_testing;
