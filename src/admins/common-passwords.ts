/*
 * Passwords of 12 characters and more that are tried first, in lower case, and words that with digits or
 * signs around them are no better (`weaknessOf` strips those). Shorter ones are refused for their length.
 */
const list = `
password passwords password1234 passwordpassword password12345 password123456 mypassword mypassword123
thisismypassword newpassword newpassword1 changeme changemeplease changeme1234 letmein letmeinplease letmein12345
pleaseletmein trustno1trustno1 iloveyou iloveyou1234 iloveyousomuch iloveyouforever qwerty qwertyqwerty qwertyuiop
qwertyuiop123 qwertyuiop12 qwerty123456 qwertz qwertzuiop qwertzuiop123 azertyuiop azertyuiop123 asdfghjkl
asdfghjkl123 asdfasdfasdf zxcvbnm zxcvbnmzxcvbnm 1q2w3e4r5t6y 1q2w3e4r5t6y7u 1qaz2wsx3edc 1qaz2wsx3edc4rfv
q1w2e3r4t5y6 zaq12wsxcde3 qazwsxedcrfv qazwsxedc123 abcd1234abcd abc123abc123 a1b2c3d4e5f6 1a2b3c4d5e6f
123456789012 1234567890123 12345678901234 123456789abc 123123123123 112233445566 121212121212 987654321098
111222333444 147258369147 159753159753 0987654321qwerty administrator administrator1 administrator123 admin
adminadmin adminadmin12 adminadminadmin adminpassword admin1234567 rootrootroot toor superuser superuser123
superman superman1234 batmanbatman spiderman spiderman123 starwars starwars1234 starwarsstarwars harrypotter
harrypotter1 lordoftherings gameofthrones pokemonpokemon dragondragon monkeymonkey sunshine sunshine1234 princess
princess1234 football football1234 baseball baseball1234 basketball basketball1 liverpool liverpoolfc manchester
manchesterunited chelseafc barcelona barcelona123 realmadrid realmadrid123 juventus bayernmunich borussiadortmund
welcome welcome12345 welcomewelcome welcomehome welcome2thejungle hello helloworld helloworld12 hellohello12
hellokitty hellokitty12 goodmorning goodbye12345 whatever whatever1234 whateverwhatever nothing12345 something123
secret secretsecret secret123456 topsecret123 mysecretpassword verysecret supersecret supersecret1 default
defaultpassword default12345 temppassword temporary temporary123 test testtesttest testpassword test12345678
testing testing12345 guest guestguest guest1234567 user useruseruser username username1234 login loginlogin12
computer computer1234 internet internet1234 samsung samsung12345 microsoft microsoft123 google google123456
facebook facebook1234 linkedin linkedin1234 windows windowsxp windows12345 summer summer123456 winter winter123456
spring autumn january february september september123 november december christmas christmas123 birthday
happybirthday happybirthday1 chocolate chocolate123 butterfly butterfly123 elephant elephant1234 michael
michaeljackson jennifer jessica michelle charlie1234 jordan23jordan matthew anthony elizabeth alexander
alexandra christopher nicholas madeline chocolatecake ilovechocolate ilovemyfamily ilovejesus jesuschrist jesuslovesme
jesusislord godisgood godisgreat blessed12345 forgetmenot correcthorsebatterystaple
passwort passwort1234 meinpasswort meinpasswort1 geheim geheimgeheim hallohallo12 hallowelt schatzschatz
ichliebedich ichliebedich1 sonnenschein sonnenschein1 schalke04schalke willkommen willkommen12 willkommen123
motdepasse motdepasse12 motdepasse123 bonjour bonjourbonjour bienvenue jetaime jetaimejetaime contrasena
contrasena12 contrasena123 tequiero tequieromucho bienvenido bienvenidos mipassword wachtwoord wachtwoord12 welkom
welkom123456 senhasenha minhasenha senha1234567 parola parolaparola haslohaslo haslo1234567 company companyname
subprocessor subprocessors sub-processor subnotice subnotice123 privacy privacyofficer dataprotection gdprgdprgdpr
`;

const correctHorse = 'correct horse battery staple';

export const commonPasswords: ReadonlySet<string> = new Set([...list.trim().split(/\s+/), correctHorse]);
