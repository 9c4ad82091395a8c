// Lines of tmpfiles.d of all types, right and wrong, and trees on which they have all kinds of effects.

/** Lines, and a script that makes what is there before. */
export interface Battery {
  readonly lines: string;
  readonly script: string;
}

export const creation: Battery = {
  lines: `f /x/new 0600 mail daemon - hello\\nworld\\x41 
f /x/exists 0640 mail - - content
f+ /x/exists2 - - - - truncated
F /x/exists3 0611
f /x/dir - - - - no
f /x/link - - - - no
f+ /x/link2 - - - - no
f= /x/dirreplace - - - - replaced
w /x/exists4 - - - - written
w+ /x/append - - - - one
w+ /x/append - - - - two
w /x/dup - - - - one
w /x/dup - - - - two
w /x/missing - - - - one
w /x/linktofile - - - - via-link
d /y 1777 mail mail
d /x/exists 0700
d /x/linktodir 0700 mail mail
d /x/dir 0711 daemon
d /x/:m :0711 :daemon
D /x/dirD 0750
v /x/v 0701
q /x/q 0702
Q /x/Q 0703
e /x/e* 0705 mail
e /x/nodir/*  0705 mail
p /x/fifo 0620 mail
p /x/exists5
p+ /x/exists6
L /x/l1 - - - - /usr/target
L /x/linkgood - - - - good
L /x/linkbad - - - - good
L+ /x/linkbad2 - - - - good
L+ /x/dirfull - - - - good
L /x/factory
L= /x/exists7 - - - - good
c /dev/cc 0666 root mail - 1:3
c+ /dev/cc2 0666 root mail - 1:5
b /dev/bb 0600 - - - 7:0
b /x/exists8 0600 - - - 7:0
C /x/copy 0700 mail - - /src/tree
C /x/copyempty - - - - /src/tree
C /x/copyfull - - - - /src/tree
C /x/copyfile 0755 - - - /src/file
C /x/exists9 - - - - /src/file
C /x/copymissing - - - - /src/nope
C /x/exists10 - - - - /src/tree
C /x/copylink - - - - /src/link
z /x/z* 0705 mail daemon
z /x/zlink 0705 mail
Z /x/Ztree ~0777 mail
Z /x/Ztree2 ~2755
m /x/mm 0123
r /x/rm*
r /x/rmdirfull
r /x/rmdirempty
R /x/Rm
R /x/Rglob/[ab]*
X /x/foo
x /x/bar
d "/x/with space" 0700
d /x/%z
d relative/path
d /x/badmode 99
d /x/badmode2 77777
d /x/baduser - nosuchuser
d /x/badage - - - 5parsecs
d /x/numeric 0755 1234 5678
k /x/unknown
d!x /x/unkmod
d!! /x/dupmod
d /x/dot/./slash//end/
d /x/dotdot/../up
d! /x/bootonly
f- /x/dir/f/f/f - - - - x
f /x/exists/impossible - - - - x
f= /x/exists11/possible - - - - x
f~ /x/b64 - - - - aGVsbG8=
f~ /x/b64bad - - - - aGVs*
f^ /x/cred - - - - cred
L~ /x/lb - - - - aGVsbG8=
d /x/dupd 0700
d /x/dupd 0711
d /x/dupsame 0700
d /x/dupsame 0700
z /x/dupd 0712
f /x/argquoted - - - - "quoted"
f /x/argdash - - - - -
f /x/spaces - - - -    lead and trail   
f /x/unicode - - - - häß\\u00e9
f /x/badesc - - - - \\q
f /x/pct - - - - %%-%b-%T
c /dev/bad - - - - 1:99999999
d /var/run/xx 0700
d /run/child/grand
d /run/child 0700 mail
f /x/suid 6755 mail mail
d /x/sgid 2775 root mail
d /x/onlyu - mail
z /x/onlyg - - daemon
e /x/eonly
f /x/mode~ ~0777 mail
d
f "unbalanced
d /x/argd - - - - argument here
`,
  script: `mkdir -p x/dir x/dirreplace/sub x/realdir x/dirD/full x/e1 x/e2 x/dirfull/full src/tree/sub x/copyempty x/copyfull/f x/:m x/rmdirfull/f x/rmdirempty x/Rm/a/b x/Rglob x/Ztree/a x/Ztree2/b x/foo x/bar x/eonly
for i in "" 2 3 4 5 6 7 8 9 10 11; do echo old > x/exists$i; done
echo a > x/append; echo a > x/dup; ln -s exists4 x/link; ln -s exists4 x/link2; echo t > x/target; ln -s target x/linktofile; ln -s realdir x/linktodir; ln -s good x/linkgood; ln -s bad x/linkbad; ln -s bad x/linkbad2
echo s > src/tree/f; chmod 4711 src/tree/f; chown mail src/tree/f; ln -s f src/tree/l; mkfifo src/tree/sub/p; echo file > src/file; chown daemon:mail src/file; ln -s file src/link; chmod 0750 src/tree/sub
touch x/z1 x/z2; ln -s z1 x/zlink; touch x/Ztree/plain x/Ztree/exec x/Ztree2/plain; chmod 644 x/Ztree/plain; chmod 755 x/Ztree/exec; chmod 000 x/Ztree2/plain;  touch x/mm x/rm1 x/rm2 x/Rglob/a1 x/Rglob/b x/Rglob/c x/tt x/hh x/aa x/onlyg e3; touch x/mode~; chmod 0640 x/mode~; touch x/e3; mkdir -p usr/share/factory/x; mknod dev/cc2 c 1 3
`,
};

export const cleaning: Battery = {
  lines: `d /t 1777 root root am:1d
d /t/own - - - -
x /t/ignored
X /t/keepdir
x /t/pat-*
d /u - - - ~am:1d
e /g/* - - - mM:1h
d /all - - - 0
D /allm - - - m:2h
d /tt - - - am:3d
d /allage - - - 1us
x /t/xage - - - am:1h
d /v - - - 10d
d /w - - - aA:10
`,
  script: `mkdir -p t/own t/ignored t/keepdir t/pat-1 t/old t/oldfull t/young t/xage u/a/b u/c g/1 g/2 all/x/y allm/x tt/q allage/z v/k w/k
for f in t/f1 t/own/f t/ignored/f t/keepdir/f t/pat-1/f t/oldfull/f t/young/f t/xage/f u/f u/a/f u/a/b/f g/1/f g/f all/f all/x/f allm/x/f tt/q/f allage/z/f v/k/f w/k/f; do echo 1 > $f; touch -d '2 days ago' $f; done
for f in t/n1 t/own/n t/oldfull/n g/1/n w/k/n; do echo 1 > $f; touch -d '1 minute ago' $f; done
echo s > t/sticky; chmod 1644 t/sticky; touch -d '2 days ago' t/sticky; mkfifo t/fifo; touch -d '2 days ago' t/fifo; mknod t/dev c 1 3;  touch -d '2 days ago' t/dev; ln -s nowhere t/link; touch -h -d '2 days ago' t/link; ln -s /etc t/linkdir; touch -h -d '2 days ago' t/linkdir
for i in t/old t/oldfull t/pat-1 t/ignored t/keepdir t/own t/xage u/a/b u/a u/c g/1 g/2 all/x/y all/x allm/x tt/q allage/z v/k w/k; do touch -d '2 days ago' $i; done
`,
};
