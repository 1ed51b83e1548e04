package RsyncTest;

# What the tests of archives that rsync reaches share. Brings CliTest along, and of S3Test what is for every remote archive.
#
#   use RsyncTest;
#   for my $kind (kinds())
#   {
#       my $archive = archive($kind, 'main');              # its directory is there, empty
#       succeeds("$kind: pushed", 'walpush', at($archive), $segment);
#       is(objects($archive), "$name.zst", "$kind: it is there");
#   }
#
# The kinds are `ssh`, `daemon`, and `ssh, rsync only`: by ssh without a shell. Their servers, ssh_server() and rsync_daemon(), are
# started when they are first needed; all that run() starts from then on can reach them.

use strict;
use warnings;

use CliTest;
use File::Find ();
use RsyncDaemon ();
use S3Test ();
use SshServer ();
use Test::More;

my @remote = qw(next_segment fetched together told_all in_time recovering standing_by remembered forget);
my @own = qw(kinds archive at objects temporary claims ssh_server rsync_daemon reach shared end_shared spools runs);
my ($ssh, $daemon);
my $owner = $$;

# Nothing of whoever runs the tests, and sharing in a directory that is short enough.
delete @ENV{ grep { /^(?:XDG|SSH|RSYNC)_/ } keys %ENV };
$ENV{TMPDIR} = scratch('tmp');

END
{
	if ($$ == $owner)
	{
		local $?;
		end_shared();
	}
}

sub import
{
	my $caller = caller;
	no strict 'refs';
	*{"${caller}::$_"} = \&{"RsyncTest::$_"} for @own;
	*{"${caller}::$_"} = \&{"S3Test::$_"} for @remote;
	goto &CliTest::import;
}

# ---- servers

sub ssh_server
{
	reach($ssh = SshServer->start) if !$ssh;
	return $ssh;
}

sub rsync_daemon
{
	reach($daemon = RsyncDaemon->start) if !$daemon;
	return $daemon;
}

# What run() starts from now on has what this server needs of a client.
sub reach
{
	my ($server) = @_;
	my $environment = $server->environment;
	for my $name (keys %$environment)
	{
		defined $environment->{$name} ? ($ENV{$name} = $environment->{$name}) : delete $ENV{$name};
	}
	return;
}

# The sockets of connections that ssh shares.
sub shared { return glob "$ENV{HOME}/.cache/waltools/ssh/*" }

sub end_shared
{
	run('ssh', '-F', '/dev/null', '-oBatchMode=yes', '-S', $_, '-O', 'exit', 'any') for shared();
	return;
}

# ---- archives

sub kinds { return ('ssh', 'ssh, rsync only', 'daemon') }

# An archive of this kind in a new directory, unless the option missing says that there is none. A hash: kind, name, location,
# directory, options. The name may have slashes.
sub archive
{
	my ($kind, $name, %option) = @_;
	my $top       = $kind eq 'daemon' ? rsync_daemon()->path('wal') : scratch($kind eq 'ssh' ? 'far' : 'only');
	my $directory = "$top/$name";
	my $location  = $kind eq 'daemon' ? rsync_daemon()->location('wal', $name) : ssh_server()->location($directory);
	must_make($directory) unless $option{missing};
	my @options = $kind =~ /only/ ? '--rsync-shell=no' : ();
	return { kind => $kind, name => $name, location => $location, directory => $directory, options => \@options };
}

sub must_make
{
	my ($directory) = @_;
	system('mkdir', '-p', '--', $directory) == 0 or die "can't make $directory";
	return;
}

# How a program is called for it: options, location.
sub at { my ($archive) = @_; return (@{ $archive->{options} }, $archive->{location}) }

# ---- what is in them

# Paths of all files but those of waltools itself.
sub objects
{
	my ($archive) = @_;
	return join ' ', grep { !m{^\.waltools/} } files($archive->{directory});
}

sub files
{
	my ($top) = @_;
	my @found;
	File::Find::find({ no_chdir => 1, wanted => sub { push @found, substr $_, 1 + length $top if !-d } }, $top) if -d $top;
	return sort @found;
}

# What pushes have left over there; claims, which are links.
sub temporary { my ($archive) = @_; return join ' ', grep { !-l "$archive->{directory}/$_" } in_the_way($archive) }

sub claims { my ($archive) = @_; return join ' ', grep { -l "$archive->{directory}/$_" } in_the_way($archive) }

sub in_the_way { my ($archive) = @_; return grep { m{^\.waltools/tmp/|/\.[^/]+\.\w{6}$} } files($archive->{directory}) }

# What programs have left here.
sub spools { return join ' ', files($ENV{TMPDIR}), glob "$ENV{TMPDIR}/*" }

# The command lines of all processes in which the text is.
sub runs
{
	my ($text) = @_;
	return grep { index($_, $text) >= 0 } map { (eval { slurp($_) } // '') =~ tr/\0/ /r } glob '/proc/[0-9]*/cmdline';
}

1;
