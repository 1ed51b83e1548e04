package BenchShell;

# What all parts of the bench share: the scratch directory that scripts/bench has made, commands and files, and an end with one
# line when something fails.

use strict;
use warnings;

use Exporter qw(import);
use File::Find qw(find);

our @EXPORT = qw(end_on_signals scratch setting programs shell missing_programs bytes_below read_file write_file note fail);

# END blocks clean up: a signal must reach them, and no other one must interrupt them.
sub end_on_signals
{
	my @signals = qw(INT TERM HUP);
	my $end     = sub {
		$SIG{$_} = 'IGNORE' for @signals;
		exit 1;
	};
	$SIG{$_} = $end for @signals;
	return;
}

# The path of something in this part's own directory.
sub scratch
{
	my ($name) = @_;
	my $directory = $ENV{BENCH_SCRATCH} // fail('this is a part of scripts/bench: start that');
	return defined $name ? "$directory/$name" : $directory;
}

# What was asked for, by an option or BENCH_... in the environment.
sub setting
{
	my ($name, $default) = @_;
	my $value = $ENV{ 'BENCH_' . uc $name } // '';
	return $value ne '' ? $value : $default;
}

# The directory with walpush and walfetch.
sub programs { return setting('programs') // fail('BENCH_PROGRAMS is not set') }

# Returns what the command says; dies with it when it fails.
sub shell
{
	my ($command) = @_;
	my $said = `( $command ) 2>&1 </dev/null`;
	die "$command: $said\n" if $? != 0;
	return $said;
}

sub missing_programs
{
	return grep { system("command -v $_ >/dev/null") != 0 } @_;
}

sub bytes_below
{
	my ($directory) = @_;
	my $bytes = 0;
	find({ no_chdir => 1, wanted => sub { $bytes += -s _ if lstat && -f _ } }, $directory);
	return $bytes;
}

sub read_file
{
	my ($path) = @_;
	open my $file, '<', $path or fail("$path: $!");
	local $/;
	return scalar(<$file>) // '';
}

sub write_file
{
	my ($path, $text) = @_;
	open my $file, '>', $path or fail("$path: $!");
	print {$file} $text;
	close $file or fail("$path: $!");
	return;
}

# The line that a terminal shows while it waits.
sub note { print STDERR "\r\e[K$_[0]" if -t STDERR; return }

sub fail { note(''); print STDERR "bench: error: $_[0]\n"; exit 1 }

1;
