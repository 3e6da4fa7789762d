# SPDX-License-Identifier: Apache-2.0
"""The passwords that are tried first by whoever finds a login page.

The head of every published list of leaked passwords, and what people make of it when a form asks for
twelve characters. All in lower case: compare ``password.lower()``.
"""

from __future__ import annotations

_WORDS = """
123456 123456789 12345678 1234567 12345 1234567890 123123 111111 000000 654321 666666 121212 112233 555555 999999
123321 777777 222222 333333 888888 987654321 159753 147258369 131313 11111111 00000000 12341234 88888888 87654321
password password1 password12 password123 password1234 passw0rd p@ssw0rd p@ssword passwort motdepasse contrasena senha
qwerty qwerty1 qwerty12 qwerty123 qwertyuiop qwertyui qwertz qwertzuiop azerty azertyuiop asdfgh asdfghjkl asdfasdf
zxcvbn zxcvbnm 1q2w3e 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qazxsw2 q1w2e3r4 q1w2e3r4t5 qazwsx qazwsxedc zaq12wsx zaq1zaq1
abc123 abcd1234 abcdef abcdefg abcdefgh abc12345 a123456 a1b2c3 a1b2c3d4 aa123456 aaaaaa aaaaaaaa 1a2b3c4d asd123
admin admin1 admin123 administrator root toor user guest test test1 test123 test1234 testing demo default changeme
changeit secret secret123 letmein letmein1 welcome welcome1 welcome123 hello hello123 login master access temp temp123
iloveyou iloveyou1 iloveyou2 loveyou lovely love love123 loveme princess princess1 angel angel1 baby babygirl babyboy
sunshine sunshine1 rainbow flower flowers butterfly summer summer123 winter spring autumn monday friday december
monkey monkey1 monkey123 dragon dragon1 tiger tigger lion eagle falcon phoenix wolf bear shadow shadow1 ninja pirate
football football1 baseball basketball soccer hockey golf liverpool arsenal chelsea barcelona realmadrid juventus
yankees lakers cowboys steelers packers superman batman spiderman ironman pokemon pikachu naruto starwars matrix
michael jordan jordan23 michelle jessica jennifer ashley amanda daniel andrew thomas robert charlie george william
joshua matthew anthony nicole samantha hannah sophie martin patrick richard david james maria anna laura sarah emma
killer hunter hunter2 ranger soldier maverick trustno1 whatever nothing freedom forever friends family jesus blessed
computer internet samsung apple google facebook linkedin windows linux ubuntu debian raspberry macbook iphone ipad
cookie chocolate cheese banana orange pepper ginger coffee pizza mustang ferrari porsche mercedes corvette harley
merlin gandalf bailey buster maggie max lucky snoopy donald mickey minnie garfield qwe123 qweasd qweasdzxc 123qwe
123qweasd 1234qwer 12qwaszx 147147 159357 741852963 789456123 963852741 101010 232323 696969 007007 314159 271828
jupyter jupyter1 jupyter123 notebook notebook1 notebook123 jupyterlab python python3 python123 ipython datascience
data data123 science kernel anaconda conda pandas numpy reachable reachable123 juno ngrok tunnel server server123
123456123456 111111111111 000000000000 121212121212 112233445566 123123123123 123456789012 1234567890123 1234567891011
123456789123 987654321987 012345678910 123456789abc abcdefghijkl abcdefghijklm abcd12345678 abc123abc123 abc123456789
passwordpassword password12345 password123456 password1234567 mypassword123 p@ssw0rd1234 p@ssword1234 passw0rd1234
qwertyqwerty qwerty123456 qwerty1234567 qwertyuiop12 qwertyuiop123 qwertyuiop[] 1q2w3e4r5t6y 1q2w3e4r5t6y7u q1w2e3r4t5y6
1qaz2wsx3edc 1qaz2wsx3edc4rfv qazwsxedcrfv zaq12wsxcde3 asdfghjkl123 asdfghjkl;' zxcvbnm12345 zxcvbnm123456
adminadminadmin administrator1 administrator123 admin1234567 admin123456789 rootrootroot testtesttest testtest1234
letmeinletmein letmein123456 welcomewelcome welcome12345 changeme1234 changemechangeme secretsecret iloveyou1234
iloveyou12345 iloveyouiloveyou sunshine1234 princess1234 football1234 baseball1234 superman1234 monkeymonkey
dragondragon correcthorse correcthorsebatterystaple jupyterjupyter jupyter12345 jupyter123456 jupyternotebook
jupyterhub123 notebooknotebook notebook1234 juniperjupyter ipythonipython python123456 datascience1 datascience123
"""

COMMON_PASSWORDS = frozenset(_WORDS.split())
