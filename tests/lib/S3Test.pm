package S3Test;

# What the tests of archives in S3 share. Brings CliTest along.
#
#   use S3Test;
#   my $gateway = CephGateway->start;
#   act_as($gateway);                                        # run(), succeeds(), refuses() have its address and keys from now on
#   act_as($gateway, endpoint => $proxy->endpoint);          # options as of S3Client's environment
#   my $file = next_segment($server);                        # a segment that no archive has yet
#   stays { refuses('other content', { code => 4 }, 'walpush', "s3://$bucket/main", $file) } $gateway, $bucket;
#   is(fetched("s3://$bucket/main", $file), '', 'it comes back');

use strict;
use warnings;

use CliTest;
use File::Basename qw(basename);
use POSIX ();
use Test::More;
use Time::HiRes ();
use WalRace;
use WalSegment;
use WalTest;

my @own = qw(act_as as contents stays next_segment fetched in_time together told_all requests_told recovering standing_by remembered forget);
my $number = 100;
my %together;    # process groups that together() waits for
my $owner = $$;

END
{
	kill 'KILL', -$_ for $$ == $owner ? keys %together : ();
}

sub import
{
	my $caller = caller;
	no strict 'refs';
	*{"${caller}::$_"} = \&{"S3Test::$_"} for @own;
	goto &CliTest::import;
}

# ---- whose bucket

# A gateway or a client. What run() starts from now on has its address and keys, and no other of AWS's variables.
sub act_as
{
	my ($who, @options) = @_;
	my $environment = $who->environment(@options);
	for my $name (keys %$environment)
	{
		defined $environment->{$name} ? ($ENV{$name} = $environment->{$name}) : delete $ENV{$name};
	}
	return;
}

# Options for run(), succeeds() and refuses(): these alone run as somebody else.
sub as
{
	my ($who, @options) = @_;
	return (env => $who->environment(@options));
}

# ---- what is in it

# A line for each object below a prefix: its key, when it was written, and what it says of its content.
sub contents
{
	my ($gateway, $bucket, $prefix) = @_;
	my @lines;
	for my $key ($gateway->objects($bucket, $prefix // ''))
	{
		my $head = $gateway->head($bucket, $key);
		push @lines, "$key " . join ' ', map { $head->{$_} // '' } qw(last-modified content-length etag x-amz-meta-waltools-raw-sha256);
	}
	return join "\n", @lines;
}

# Whatever is done, the bucket is the same afterwards.
sub stays (&$$)
{
	my ($do, $gateway, $bucket) = @_;
	my $before = contents($gateway, $bucket);
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $run = $do->();
	is(contents($gateway, $bucket), $before, '... and the bucket is as it was');
	return $run;
}

# A segment in the server's pg_wal that was never there before; its path. Options as of segment().
sub next_segment
{
	my ($server, %option) = @_;
	return put_segment($server, number => $number++, %option);
}

# '' when walfetch brings the content of a server's file back; else what is wrong.
sub fetched
{
	my ($archive, $file, @options) = @_;
	my $run = run('walfetch', @options, $archive, basename($file), '-');
	return "exit code $run->{code}: $run->{err}" if $run->{code} != 0 || $run->{err} ne '';
	return $run->{out} eq slurp($file) ? '' : 'other content';
}

# What a proxy saw, a line each: for explanations.
sub requests_told
{
	my ($proxy) = @_;
	return join '', map { "$_->{method} $_->{path} " . ($_->{status} // '-') . " $_->{fault}\n" } $proxy->requests;
}

# Runs commands (lists) beside each other; what run() returns for each. Those that take longer than two minutes are killed.
sub together
{
	my (@commands) = @_;
	my $begun = Time::HiRes::time();
	my @waiting = map { { %{ WalRace::start(undef, undef, @$_) }} } @commands;
	my @all = @waiting;
	$together{ $_->{pid} } = 1 for @all;
	while (@waiting)
	{
		Time::HiRes::sleep(0.005);
		@waiting = grep { !has_ended($_, $begun) } @waiting;
		kill 'KILL', -$_->{pid} for Time::HiRes::time() - $begun > 120 ? @waiting : ();
	}
	for my $run (@all)
	{
		$run->{$_} = slurp("$run->{base}.$_") for qw(out err);
		unlink map { "$run->{base}.$_" } qw(out err);
	}
	return @all;
}

sub has_ended
{
	my ($run, $begun) = @_;
	return 0 if waitpid($run->{pid}, POSIX::WNOHANG()) != $run->{pid};
	@$run{qw(code signal seconds)} = ($? >> 8, $? & 127, Time::HiRes::time() - $begun);
	delete $together{ $run->{pid} };
	return 1;
}

sub told_all
{
	return join '', map { sprintf "exit code %d, signal %d after %.1f s: %s\n", @$_{qw(code signal seconds err)} } @_;
}

sub in_time
{
	my ($run, $seconds) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return ok(!late($run, $seconds), "... in time: $seconds s") || diag("it took $run->{seconds} s");
}

# ---- servers

# A server in a recovery that a false "no such file" would end.
sub recovering
{
	my ($name) = @_;
	my $server = data_directory($name);
	spew("$server/recovery.signal", '');
	return $server;
}

sub standing_by
{
	my ($name) = @_;
	my $server = data_directory($name);
	spew("$server/standby.signal", '');
	return $server;
}

# ---- what the programs remember of archives

# The files in which they do.
sub remembered
{
	return glob "$ENV{HOME}/.cache/waltools/*";
}

sub forget
{
	unlink remembered();
	return;
}

1;
