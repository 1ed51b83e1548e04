# What a list of an archive that rsync reaches tells: sizes, times, directories.

use FindBin;
use lib "$FindBin::Bin/../lib";
use StorageListTest;
use RsyncTest;

my $files = files();
my $time  = 1_795_485_396;    # 2026-11-24 01:56:36 UTC

for my $kind (kinds())
{
	my $archive = archive($kind, 'list');
	for my $path (sort keys %$files)
	{
		RsyncTest::must_make("$archive->{directory}/$1") if $path =~ m{(.*)/};
		utime $time, $time, spew("$archive->{directory}/$path", 'x' x $files->{$path});
	}
	local $ENV{TZ} = 'America/St_Johns';
	lists_files($kind, $time, $time, at($archive));
	is(join(' ', map { $_->{name} } listed(at($archive), '-')), 'alpha alpha.zst beta zeta', 'the archive itself is not in it');
}

done_testing;
