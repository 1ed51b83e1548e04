# What a list of a directory tells: sizes, times, directories.

use FindBin;
use lib "$FindBin::Bin/../lib";
use CliTest;
use File::Basename qw(dirname);
use StorageListTest;

my $files   = files();
my $time    = 1_795_485_396;
my $archive = scratch('archive');
for my $path (sort keys %$files)
{
	my $directory = scratch('archive/' . dirname($path));
	utime $time, $time, spew("$archive/$path", 'x' x $files->{$path});
}
lists_files('directory', $time, $time, $archive);
symlink '/nowhere', "$archive/link" or die;
is(join(' ', map { "$_->{kind} $_->{name}" } listed($archive, '-', '', 'l')), 'f link', 'a link is an object, as it may lie where one should be');

done_testing;
