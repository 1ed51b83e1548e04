#!/usr/bin/perl
# Arrows between the rooms go one way: no file includes what its room may not know.
use strict;
use warnings;
use Test::More;
use FindBin;
chdir "$FindBin::Bin/../.." or die $!;

# What each room may include besides itself. config is filled by cmd and handed down as values.
my %allowed = (
    base    => [],
    wal     => ['base'],
    codec   => ['base'],
    crypto  => ['base'],
    storage => ['base'],
    aws     => [qw(base crypto)],
    s3      => [qw(base crypto aws storage)],
    rsync   => [qw(base storage)],
    run     => ['base'],
    config  => ['base'],
    archive => [qw(base wal codec crypto storage run)],
    survey  => [qw(base wal archive storage)],
    retain  => [qw(base wal archive survey storage)],
    verify  => [qw(base wal codec archive survey storage run)],
    several => [qw(base wal codec crypto archive survey storage run)],
    report  => [qw(base wal codec archive survey retain verify several)],
    cmd     => [qw(base wal codec archive report config run storage survey retain verify several)],
);

# Third-party headers that one room alone may see, in one file each where that is possible.
my %third_party = (
    'openssl/'   => qr{^lib/crypto/},
    'archive.h'  => qr{^lib/codec/foreign\.c$},
    'zstd.h'     => qr{^lib/codec/zstd\.c$},
    'lz4frame.h' => qr{^lib/codec/lz4\.c$},
    'zlib.h'     => qr{^lib/codec/(gzip|label)\.c$},
    'curl/'      => qr{^lib/aws/http_exchange\.h$},
    'expat.h'    => qr{^lib/aws/xml\.c$},
    'jansson.h'  => qr{^lib/aws/json\.c$},
    'ini.h'      => qr{^lib/config/file\.c$},
);

for my $file (sort(glob('lib/*/*.[ch]'), glob('cmd/*.[ch]'))) {
    my ($room) = $file =~ m{^(?:lib/)?([^/]+)/};
    my %may = map { $_ => 1 } $room, @{ $allowed{$room} // [] };
    open my $in, '<', $file or die "$file: $!";
    my @wrong;
    while (my $line = <$in>) {
        if ($line =~ /^#include "([^"]+)"/) {
            my $target = $1;
            my ($other) = $target =~ m{^([^/]+)/};
            push @wrong, "line $.: $target" if defined $other && !$may{$other};
        } elsif ($line =~ /^#include <([^>]+)>/) {
            my $target = $1;
            for my $header (keys %third_party) {
                push @wrong, "line $.: <$target>"
                  if index($target, $header) == 0 && $file !~ $third_party{$header};
            }
        }
    }
    ok(exists $allowed{$room} && !@wrong, "$file includes what it may") or diag(join "\n", @wrong);
}

done_testing();
