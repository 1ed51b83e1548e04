package DirectoryArchive;

# An archive in a directory, for tests with a real PostgreSQL, and what may befall it. PgTest, Scenario and SilentEnd know no more
# of an archive than these methods, so that other kinds have the same (BucketArchive):
#
#   location, options     what walpush, walfetch and walclean are called with
#   environment           what the server has in its environment for it: a hash, as for run()
#   objects               the keys of all objects; below a directory with a slash
#   content(KEY)          an object's bytes
#   copy(NAME, PLIGHT...) a new archive with the same objects, which these plights may befall; any, when none is named
#   plights               the names of what may befall it and must not be taken for the end of the archive. Every kind of
#                         archive knows `unreachable`, which nothing in it survives, and `hole`: the segment is missing
#   befall(PLIGHT, SEGMENT), set_right(PLIGHT, SEGMENT)
#                         makes it so, and the same as before again. While it lasts nothing else works

use strict;
use warnings;

use File::Copy ();
use File::Find ();
use File::Path qw(remove_tree);
use WalTest;

my %plight = (
	unreachable => { befall => \&move_away, set_right => \&move_back },
	unmounted   => {
		befall    => sub { my ($self) = @_; $self->move_away; mkdir $self->{path} or die "mkdir: $!" },
		set_right => sub { my ($self) = @_; remove_tree($self->{path}); $self->move_back },
	},
	damaged => {
		befall => sub {
			my ($self, $segment) = @_;
			my $object = $self->object($segment);
			File::Copy::copy($object, $self->{aside}) or die "copy: $!";
			spew($object, with_bit_flipped(slurp($object)));
		},
		set_right => \&bring_segment_back,
	},
	hole => {
		befall    => sub { my ($self, $segment) = @_; move($self->object($segment), $self->{aside}) },
		set_right => \&bring_segment_back,
	},
);

# An empty one in the test's scratch directory.
sub new
{
	my ($class, $name) = @_;
	return $class->at(scratch($name));
}

# The directory with this path, which may not be there yet.
sub at
{
	my ($class, $path) = @_;
	return bless { path => $path, aside => "$path.aside" }, $class;
}

sub path        { return $_[0]{path} }
sub location    { return $_[0]{path} }
sub options     { return () }
sub environment { return {} }
sub plights     { return sort keys %plight }

# ---- what is in it

sub objects
{
	my ($self) = @_;
	my @keys;
	File::Find::find({ no_chdir => 1, wanted => sub { push @keys, substr $_, 1 + length $self->{path} if -f } }, $self->{path});
	return sort @keys;
}

sub content { my ($self, $key) = @_; return slurp("$self->{path}/$key") }

# Any plight may befall any.
sub copy
{
	my ($self, $name) = @_;
	my $path = scratch() . "/$name";
	system('cp', '-a', '--', $self->{path}, $path) == 0 or die 'cp failed';
	return ref($self)->at($path);
}

# ---- what may befall it

sub befall    { my ($self, $plight, $segment) = @_; $plight{$plight}{befall}->($self, $segment);    return }
sub set_right { my ($self, $plight, $segment) = @_; $plight{$plight}{set_right}->($self, $segment); return }

sub move_away { my ($self) = @_; move($self->{path},  $self->{aside}); return }
sub move_back { my ($self) = @_; move($self->{aside}, $self->{path});  return }

sub bring_segment_back { my ($self, $segment) = @_; move($self->{aside}, $self->object($segment)); return }

sub object { my ($self, $segment) = @_; return "$self->{path}/$segment.zst" }

sub move
{
	my ($from, $to) = @_;
	rename $from, $to or die "rename $from $to: $!";
	return;
}

# In the middle of a content.
sub with_bit_flipped
{
	my ($content) = @_;
	vec($content, 4 * length $content, 1) ^= 1;
	return $content;
}

1;
