#!/usr/bin/perl
# The C code is formatted as .clang-format says: `make format` mends it.
use strict;
use warnings;
use Test::More;
use FindBin;
chdir "$FindBin::Bin/../.." or die $!;

for my $file (sort(glob('cmd/*.[ch]'), glob('lib/*/*.[ch]'), glob('tests/*.h'), glob('tests/*/*.[ch]'), glob('scripts/*.c'))) {
    my $output = `clang-format --dry-run -Werror $file 2>&1`;
    is($?, 0, "$file is formatted") or diag((split /\n/, $output)[0]);
}

done_testing();
